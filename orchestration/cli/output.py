"""What several commands share: JSON for scripts, money, and the published marts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

import click
import duckdb

from ingestion.errors import SettingError
from ingestion.settings import Home

json_option = click.option("--json", "as_json", is_flag=True, help="JSON, for scripts; amounts are exact text.")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, default=str, indent=2))


def money(amounts: Mapping[str, Decimal]) -> str:
    """Amounts by currency; they are never added up."""
    return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(amounts.items())) or "nothing"


@contextmanager
def publication(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published marts, read only: a refresh never waits for a reader. Raises SettingError where there are none."""
    if not home.database.exists():
        raise SettingError(f"nothing is published in {home.published} yet: run `costowner refresh`")
    try:
        with duckdb.connect(str(home.database), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            yield connection
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        raise SettingError(
            f"{home.database} can't be read ({reason}): run `costowner refresh`, which replaces it"
        ) from None

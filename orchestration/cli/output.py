"""What several commands share: JSON for scripts, money, and the published marts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeVar

import click
import duckdb
from rich.console import Console
from rich.table import Table

from ingestion.errors import SettingError
from ingestion.settings import Home

Row = TypeVar("Row")
# Characters of a line where the output is no terminal.
WIDTH = 150

json_option = click.option("--json", "as_json", is_flag=True, help="JSON, for scripts; amounts are exact text.")


def print_json(value: object) -> None:
    click.echo(json.dumps(value, default=str, indent=2))


def money(amounts: Mapping[str, Decimal]) -> str:
    """Amounts by currency; they are never added up."""
    return ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(amounts.items())) or "nothing"


def amount(value: Decimal | None) -> str:
    """An amount to the cent; a dash where there is none."""
    return "-" if value is None else f"{value:,.2f}"


def print_table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int) -> None:
    """A table whose first columns, `texts` of them, are text; the others are numbers."""
    table = Table(title=title, title_justify="left", header_style="bold", pad_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="left" if index < texts else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else WIDTH).print(table)


def read(
    connection: duckdb.DuckDBPyConnection, kind: type[Row], sql: str, values: Sequence[Any] = ()
) -> list[Row]:
    """The rows of a query, each as a `kind` with the columns in its order."""
    return [kind(*row) for row in connection.execute(sql, list(values)).fetchall()]


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

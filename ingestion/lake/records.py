"""From a vendor's JSON record to a row of exact types: what is not of its column's type is refused by place and field.

No message here quotes a value: it may be anything that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Table, exact, fitted
from ingestion.lake.plausible import check_value

__all__ = ["exact", "instant", "moment", "part", "record", "typed"]


def moment(value: Any, where: str) -> datetime:
    """An instant from ISO 8601 text; without a zone it is UTC. Raises BadInput for anything else."""
    try:
        found = datetime.fromisoformat(str(value))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{where}: not a time") from None


def instant(seconds: Any, where: str, unit: int = 1) -> datetime:
    """An instant from a number of seconds since 1970, or of parts of a second of which `unit` make one."""
    try:
        return datetime.fromtimestamp(int(str(seconds)) / unit, UTC)
    except (ValueError, OverflowError, OSError):
        raise BadInput(f"{where}: not a time") from None


def record(value: Any, where: str) -> dict[str, Any]:
    """A value that must be a JSON object."""
    if not isinstance(value, dict):
        raise BadInput(f"{where}: not a JSON object")
    return value


def part(value: Any, where: str) -> dict[str, Any]:
    """A part of a record that is an object, or absent: {} then."""
    return {} if value is None else record(value, where)


def typed(
    table: Table, row: Mapping[str, Any], where: str, fields: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A row whose values are of the table's types. Numbers in the place of text become text, as ids are.

    `fields` are the vendor's names of columns, for messages. Raises BadInput, with the field, for any other value and for
    one that no vendor bills.
    """
    found = {}
    for name, value in row.items():
        place = f"{where}, {(fields or {}).get(name, name)}"
        found[name] = fitted(value, table.types[name], place)
        check_value(table, name, found[name], f"{where}, ")
    return found

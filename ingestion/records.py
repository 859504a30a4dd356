"""From a vendor's JSON record to a row of exact types: what is not of its column's type is refused by place and field.

No message here quotes a value: it may be anything that somebody wrote.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Context, Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from ingestion.columns import Table
from ingestion.errors import BadInput

_PLACES = Decimal("1e-12")
# Wide enough for any DECIMAL(38,12); Python's own context would round at 28 digits.
_WIDE = Context(prec=80)
# DECIMAL(38,12) holds 26 digits before the point.
_LIMIT = Decimal(10) ** 26
_LEAST, _MOST = -(2**63), 2**63 - 1


def exact(value: Any, where: str, shift: int = 0) -> Decimal:
    """A number by its very digits, shifted by decimal places, to 12 places. Raises BadInput for anything else."""
    try:
        found = _WIDE.create_decimal(str(value))
        if not found.is_finite():
            raise BadInput(f"{where}: not a number")
        found = found.scaleb(shift, _WIDE)
        if abs(found) >= _LIMIT:
            raise BadInput(f"{where}: a number that is too large")
        return found.quantize(_PLACES, context=_WIDE)
    except (InvalidOperation, ValueError):
        raise BadInput(f"{where}: not a number") from None


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

    `fields` are the vendor's names of columns, for messages. Raises BadInput, with the field, for any other value.
    """
    types = {column.name: column.type for column in table.columns}
    found = {}
    for name, value in row.items():
        place = f"{where}, {(fields or {}).get(name, name)}"
        found[name] = None if value is None else _value(value, types[name], place)
    return found


def _value(value: Any, kind: pa.DataType, where: str) -> Any:
    if pa.types.is_string(kind):
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        return _of(value, str, where, "text")
    if pa.types.is_integer(kind):
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise BadInput(f"{where}: not a whole number")
        whole = exact(value, where)
        if whole % 1 or not _LEAST <= whole <= _MOST:
            raise BadInput(f"{where}: not a whole number of 64 bits")
        return int(whole)
    if pa.types.is_decimal(kind):
        return exact(value, where)
    if pa.types.is_boolean(kind):
        return _of(value, bool, where, "true or false")
    return _of(value, datetime if pa.types.is_timestamp(kind) else date, where, "a time")


def _of(value: Any, kind: type, where: str, named: str) -> Any:
    if not isinstance(value, kind):
        raise BadInput(f"{where}: not {named}")
    return value

"""The vocabulary in which a source declares its raw tables: columns with exact Arrow types.

A declared table is written to the lake as `raw_<source>.<table>`. Money and quantities are DECIMAL(38,12),
times are UTC with microseconds, ids are text, what is not known by name is kept as JSON text.
"""

from __future__ import annotations

import json as jsonlib
from dataclasses import dataclass
from datetime import date as _date
from datetime import datetime
from decimal import Context, Decimal
from functools import cached_property
from typing import Any

import pyarrow as pa

from ingestion.errors import BadInput


@dataclass(frozen=True)
class Column:
    """One column of a raw table."""

    name: str
    type: pa.DataType
    description: str


def text(name: str, description: str) -> Column:
    """Text; every id is one, also those that look like numbers."""
    return Column(name, pa.string(), description)


def json(name: str, description: str) -> Column:
    """JSON kept as text, so that every engine reads the same bytes."""
    return Column(name, pa.string(), description)


def money(name: str, description: str) -> Column:
    """An amount of money in the currency that a column beside it names."""
    return Column(name, pa.decimal128(38, 12), description)


def number(name: str, description: str) -> Column:
    """An exact quantity, price or ratio."""
    return Column(name, pa.decimal128(38, 12), description)


def integer(name: str, description: str) -> Column:
    """A whole number; unknown is NULL and never 0."""
    return Column(name, pa.int64(), description)


def boolean(name: str, description: str) -> Column:
    return Column(name, pa.bool_(), description)


def timestamp(name: str, description: str) -> Column:
    """An instant, in UTC."""
    return Column(name, pa.timestamp("us", tz="UTC"), description)


def date(name: str, description: str) -> Column:
    """A calendar day; the description names its time zone."""
    return Column(name, pa.date32(), description)


SLICE_ID = text("slice_id", "the slice that this row was delivered in")


@dataclass(frozen=True)
class Measure:
    """What is added up over a slice for its control totals.

    `column` is a DECIMAL(38,12) column of the table; `currency` the column that names its currency,
    or None for a quantity (tokens, for example).
    """

    name: str
    column: str
    currency: str | None = None


@dataclass(frozen=True)
class Table:
    """One raw table.

    A row belongs to the slice that its `slice_id` names. A table of `vendor_files` takes the vendor's own
    Parquet files unchanged: its rows carry no slice id, so each of its slices is a load of its own.
    `charge_end` names the column from which the slice's newest charge is judged. A `versioned` table lists what exists now:
    its earlier deliveries stay in the lake, because what was deleted since is known from them alone.
    """

    name: str
    description: str
    columns: tuple[Column, ...]
    measures: tuple[Measure, ...] = ()
    charge_end: str | None = None
    vendor_files: bool = False
    versioned: bool = False

    @cached_property
    def schema(self) -> pa.Schema:
        """The Arrow schema of the table as it lies in the lake."""
        columns = self.columns if self.vendor_files else (SLICE_ID, *self.columns)
        return pa.schema([pa.field(column.name, column.type) for column in columns])

    @cached_property
    def names(self) -> frozenset[str]:
        """The declared columns' names."""
        return frozenset(column.name for column in self.columns)

    @cached_property
    def amounts(self) -> frozenset[str]:
        """The columns that hold money to be added up. AWS's costs are floats, and no measures: their sums come from the file."""
        added = {measure.column for measure in self.measures if measure.currency}
        costs = {
            column.name for column in self.columns if pa.types.is_floating(column.type) and "cost" in column.name
        }
        return frozenset(added | costs)

    @cached_property
    def types(self) -> dict[str, pa.DataType]:
        """The declared columns' types by name."""
        return {column.name: column.type for column in self.columns}

    def rows(self, slice_id: str, records: list[dict[str, Any]]) -> pa.Table:
        """Records of one slice as an Arrow table of exactly the declared columns; absent keys are NULL.

        An amount with more places than its column is rounded once, half to even. Raises BadInput, with slice, record and
        column, for a value that its column can't hold.
        """
        for record in records:
            unknown = record.keys() - self.names
            if unknown:
                raise ValueError(f"table {self.name} declares no column {sorted(unknown)}")
        in_slice = [{**record, "slice_id": slice_id} for record in records]
        try:
            return pa.Table.from_pylist(in_slice, self.schema)
        except (pa.ArrowException, ArithmeticError, TypeError, ValueError):
            # Value by value: what can be made to fit does, and the first that can't is named.
            as_declared = [
                {
                    name: fitted(value, self.types[name], f"{self.name} of {slice_id}, record {number}, {name}")
                    for name, value in record.items()
                }
                for number, record in enumerate(records, start=1)
            ]
            return pa.Table.from_pylist([{**record, "slice_id": slice_id} for record in as_declared], self.schema)


# Wide enough for any DECIMAL(38,12); Python's own context would round at 28 digits.
_WIDE = Context(prec=80)
_PLACES = Decimal("1e-12")
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
    except (ArithmeticError, ValueError):
        raise BadInput(f"{where}: not a number") from None


def fitted(value: Any, kind: pa.DataType, where: str) -> Any:
    """A value as a column of a type holds it. Numbers in the place of text become text, as ids are.

    Raises BadInput, with `where` and without the value, for any other value.
    """
    if value is None or pa.types.is_string(kind):
        return None if value is None else _text(value, where)
    if pa.types.is_decimal(kind):
        return exact(value, where)
    if pa.types.is_integer(kind):
        return _whole(value, where)
    if pa.types.is_boolean(kind):
        return _of(value, bool, where, "true or false")
    return _of(value, datetime if pa.types.is_timestamp(kind) else _date, where, "a time")


def plain(value: int | Decimal, where: str) -> str:
    """A number as text without an exponent. Raises BadInput for one that would take more digits than any id has."""
    if isinstance(value, Decimal) and not (
        value.is_finite() and abs(value.adjusted()) < 100 > -int(value.as_tuple().exponent)
    ):
        raise BadInput(f"{where}: a number of more than 100 digits")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _text(value: Any, where: str) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return plain(value, where)
    found: str = _of(value, str, where, "text")
    if not found.isascii() and any("\ud800" <= letter <= "\udfff" for letter in found):
        raise BadInput(f"{where}: half of a surrogate pair, which no text can hold")
    return found


def _whole(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise BadInput(f"{where}: not a whole number")
    whole = exact(value, where)
    if whole % 1 or not _LEAST <= whole <= _MOST:
        raise BadInput(f"{where}: not a whole number of 64 bits")
    return int(whole)


def _of(value: Any, kind: type, where: str, named: str) -> Any:
    if not isinstance(value, kind):
        raise BadInput(f"{where}: not {named}")
    return value


def rest(record: dict[str, Any], known: set[str], absent: tuple[Any, ...] = ()) -> str | None:
    """The fields of a vendor's record that no column holds, as JSON; None where there are none.

    A field whose value is one of `absent` counts as not there.
    """
    extra = {key: value for key, value in record.items() if key not in known and value not in absent}
    return jsonlib.dumps(extra, default=str, sort_keys=True) if extra else None

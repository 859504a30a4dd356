"""A FOCUS file, CSV or Parquet, as Parquet in the raw table's columns: one set-based statement of DuckDB a file."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.errors import BadInput
from ingestion.lake.contract import Total, VendorFile
from ingestion.lake.faults import broken_line, fault
from ingestion.lake.vendor_files import (
    LONGEST_LINE,
    TORN,
    csv_relation,
    engine,
    first_line,
    literal,
    parquet_schema,
    quoted,
)
from ingestion.sources.aws.shape import exact_decimal
from ingestion.sources.focus.shape import (
    COST_AND_USAGE,
    COSTS,
    JSONS,
    NEVER_NULL,
    NUMBERS,
    REQUIRED,
    TIMES,
    focus_column,
    focus_header,
    focus_version,
)

PARQUET_MAGIC = b"PAR1"
NUMERIC = {**COSTS, **NUMBERS}
# Months first: the specification's own examples are spelled so (5/1/25).
TIME_FORMATS = "['%m/%d/%y', '%m/%d/%Y', '%m/%d/%y %H:%M', '%m/%d/%Y %H:%M', '%m/%d/%Y %H:%M:%S']"
GROUPED_NUMBER = r"^-?\$?-?\d{1,3}(,\d{3})+(\.\d+)?$"


@dataclass(frozen=True)
class Delivered:
    """What holds for every row of a delivery."""

    export: str
    is_compare_only: bool
    version: str | None = None


@dataclass
class _Reader:
    """A file as DuckDB reads it: the SQL of its relation, its headers, and the types of its columns."""

    relation: str
    types: list[tuple[str, pa.DataType]]
    is_csv: bool
    columns: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for index, (header, _) in enumerate(self.types):
            column = focus_column(header)
            if column and column not in self.columns:
                self.columns[column] = index

    def rest(self) -> list[int]:
        """The columns that are not FOCUS."""
        taken = set(self.columns.values())
        return [index for index in range(len(self.types)) if index not in taken]

    def stated(self, index: int) -> str:
        """A column's value; a text that stands for an absent value is NULL."""
        name = f"c{index}"
        if pa.types.is_string(self.types[index][1]) or pa.types.is_large_string(self.types[index][1]):
            return f"nullif(nullif(trim({name}), ''), 'NULL')"
        return name

    def value(self, column: str) -> str:
        """SQL of a FOCUS column in the raw table's type; NULL where it can't be read."""
        index = self.columns.get(column)
        if index is None:
            return "null"
        stated, kind = self.stated(index), self.types[index][1]
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if column in NUMERIC:
            return _number(stated, kind, is_text)
        if column in TIMES:
            return _time(stated, is_text)
        if column in JSONS:
            return _json(stated, is_text)
        return f"cast({stated} as varchar)"


def _number(stated: str, kind: pa.DataType, is_text: bool) -> str:
    if pa.types.is_floating(kind):
        return exact_decimal(f"cast({stated} as double)")
    if not is_text:
        return f"cast({stated} as decimal(38, 12))"
    plain = (
        f"case when regexp_matches({stated}, '{GROUPED_NUMBER}') then replace(replace({stated}, ',', ''), '$', '') "
        f"else replace({stated}, '$', '') end"
    )
    return f"try_cast({plain} as decimal(38, 12))"


def _time(stated: str, is_text: bool) -> str:
    if not is_text:
        return f"cast({stated} as timestamptz)"
    # Only what begins with a year is cast: DuckDB would take 10/5/26 for the year 10.
    iso = rf"regexp_replace({stated}, '([T ]\d\d:\d\d)(Z| UTC)$', '\1:00\2')"
    return (
        rf"case when regexp_matches({stated}, '^\d{{4}}-') then try_cast({iso} as timestamptz) "
        f"else try_cast(try_strptime({stated}, {TIME_FORMATS}) as timestamptz) end"
    )


def _json(stated: str, is_text: bool) -> str:
    """A JSON object as text. Azure writes tags without the braces around them."""
    if not is_text:
        return f"cast(to_json({stated}) as varchar)"
    return (
        f"case when json_valid({stated}) then {stated} "
        f"when json_valid('{{' || {stated} || '}}') then '{{' || {stated} || '}}' end"
    )


def _csv(path: Path, where: str) -> _Reader:
    """A CSV file as text, its columns by position."""
    try:
        first = first_line(path)
    except TORN as error:
        raise BadInput(f"{where}: not a whole CSV file ({fault(error)})") from None
    headers = next(csv.reader([first]), [])
    relation = csv_relation(path, [f"c{index}" for index in range(len(headers))])
    return _Reader(relation, [(header, pa.string()) for header in headers], is_csv=True)


def _parquet(path: Path, where: str) -> _Reader:
    schema = parquet_schema(path, where)
    names = ", ".join(f"{quoted(name)} as c{index}" for index, name in enumerate(schema.names))
    return _Reader(
        f"(select {names} from read_parquet({literal(str(path))}))",
        [(field.name, field.type) for field in schema],
        is_csv=False,
    )


def reader(path: Path, where: str) -> _Reader:
    """A file of either kind. Raises BadInput where it is cut off, or lacks a column without which no row is a charge."""
    with path.open("rb") as file:
        is_parquet = file.read(4) == PARQUET_MAGIC
    found = _parquet(path, where) if is_parquet else _csv(path, where)
    absent = [focus_header(column) for column in REQUIRED if column not in found.columns]
    if absent:
        raise BadInput(f"{where}: no FOCUS cost and usage file, it has no column {', '.join(absent)}")
    return found


def _unreadable(path: Path, where: str, found: _Reader, error: duckdb.Error) -> BadInput:
    """What is wrong with a file that DuckDB gave up on: the line of a CSV file, or the column."""
    line = broken_line(path, len(found.types), LONGEST_LINE) if found.is_csv else None
    if line:
        return BadInput(f"{where}: {line}")
    with engine(path.parent) as connection:
        for column in found.columns:
            try:
                connection.execute(f"select count({found.value(column)}) from {found.relation}").fetchall()
            except duckdb.Error as alone:
                return BadInput(f"{where}: column {focus_header(column)}: {fault(alone)}")
    return BadInput(f"{where}: {fault(error)}")


def months(path: Path, where: str) -> list[str]:
    """The billing periods (YYYY-MM) that a file's rows are of."""
    found = reader(path, where)
    with engine(path.parent) as connection:
        try:
            rows = connection.execute(
                f"select distinct strftime({found.value('billing_period_start')}, '%Y-%m') "
                f"from {found.relation} order by 1"
            ).fetchall()
        except duckdb.Error as error:
            raise _unreadable(path, where, found, error) from None
    if any(month is None for (month,) in rows):
        _explain(path, where, found)
    return [month for (month,) in rows]


def convert(path: Path, where: str, target: Path, delivery: Delivered, month: str | None = None) -> VendorFile:
    """Write a file's rows, all or those of one billing month, to `target`; with their totals and newest charge.

    Raises BadInput, with row and column, for a value that can't be read.
    """
    found = reader(path, where)
    version = delivery.version or focus_version(frozenset(found.columns))
    constants = {
        "focus_version": literal(version),
        "export_name": literal(delivery.export),
        "is_compare_only": str(delivery.is_compare_only).lower(),
        "file_name": literal(where),
        "extra": _extra(found),
    }
    selected = ", ".join(
        f"cast({constants.get(column.name) or found.value(column.name)} as {_sql_type(column.type)}) "
        f"as {column.name}"
        for column in COST_AND_USAGE.columns
    )
    wanted = f"where strftime(billing_period_start, '%Y-%m') = '{month}'" if month else ""
    with engine(path.parent) as connection:
        try:
            bad = connection.execute(f"select {_faults(found)} from {found.relation}").fetchone()
            if bad and any(bad):
                _explain(path, where, found)
            connection.execute(
                f"copy (select * from (select {selected} from {found.relation}) {wanted}) "
                f"to {literal(str(target))} (format parquet, compression zstd)"
            )
            totals = connection.execute(
                f"select billing_currency, sum(billed_cost), count(*), max(charge_period_start) "
                f"from read_parquet({literal(str(target))}) group by 1 order by 1"
            ).fetchall()
        except duckdb.Error as error:
            raise _unreadable(path, where, found, error) from None
    # What is only compared is not delivered to the ledger: its total goes by another name.
    measure = "compared_billed_cost" if delivery.is_compare_only else "billed_cost"
    newest = max((moment for *_, moment in totals), default=None)
    return VendorFile(
        COST_AND_USAGE,
        target,
        sum(count for _, _, count, _ in totals),
        tuple(Total(measure, currency, Decimal(amount), count) for currency, amount, count, _ in totals),
        newest.astimezone(UTC) if newest else None,
    )


def accounts(path: Path) -> list[tuple[str, str | None, str | None]]:
    """The billing accounts and sub accounts that a converted file has charges of, each with the file's name in front."""
    with engine(path.parent) as connection:
        return connection.execute(
            f"select distinct file_name, billing_account_id, sub_account_id from read_parquet({literal(str(path))})"
        ).fetchall()


def _sql_type(kind: pa.DataType) -> str:
    if pa.types.is_decimal(kind):
        return "decimal(38, 12)"
    if pa.types.is_timestamp(kind):
        return "timestamptz"
    return "boolean" if pa.types.is_boolean(kind) else "varchar"


def _extra(found: _Reader) -> str:
    """The columns that are not FOCUS, without those that are NULL, and JSON columns that hold no JSON."""
    fields = [f"{literal(found.types[index][0])}: {found.stated(index)}" for index in found.rest()]
    for column in JSONS:
        index = found.columns.get(column)
        if index is not None:
            stated = found.stated(index)
            fields.append(
                f"{literal(found.types[index][0])}: case when {found.value(column)} is null then {stated} end"
            )
    if not fields:
        return "null"
    return f"nullif(cast(json_merge_patch('{{}}', to_json({{{', '.join(fields)}}})) as varchar), '{{}}')"


def _checked(found: _Reader) -> list[tuple[str, str]]:
    """Each column that can hold a value that is not of its type, with the condition that it does."""
    checks = []
    for column in (*NUMERIC, *TIMES, *NEVER_NULL):
        index = found.columns.get(column)
        if index is not None:
            nothing = "true" if column in NEVER_NULL else f"{found.stated(index)} is not null"
            checks.append((column, f"{nothing} and try({found.value(column)}) is null"))
    return list(dict(checks).items())


def _faults(found: _Reader) -> str:
    return ", ".join(f"bool_or({condition})" for _, condition in _checked(found))


def _explain(path: Path, where: str, found: _Reader) -> None:
    """Raise BadInput for the first value that is absent or not of its column's type."""
    faults: list[tuple[int, str, bool]] = []
    with engine(path.parent) as connection:
        connection.execute("set threads = 1")
        connection.execute("set preserve_insertion_order = true")
        for column, condition in _checked(found):
            index = found.columns[column]
            row = connection.execute(
                f"select n, {found.stated(index)} is null "
                f"from (select *, row_number() over () as n from {found.relation}) "
                f"where {condition} order by n limit 1"
            ).fetchone()
            if row:
                faults.append((int(row[0]), column, bool(row[1])))
    number, column, is_empty = min(faults)
    wrong = "must not be empty" if is_empty else "not a number" if column in NUMERIC else "not a time"
    raise BadInput(f"{where}: row {number}, column {focus_header(column)}: {wrong}")

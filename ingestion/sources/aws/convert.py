"""A data file of any AWS cost export as Parquet in CUR 2.0's columns: one set-based statement of DuckDB a file.

CUR 2.0's own Parquet passes as it is. What the raw table declares has one type in all files, and what CUR 2.0 doesn't
know goes as text into one map: so a format that changes, or a column that comes, never clashes with what lies in the
lake, for dlt as little as for DuckDB and Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.access.lines import LONGEST_LINE
from ingestion.errors import BadInput
from ingestion.lake.faults import broken_line, fault
from ingestion.lake.plausible import check_plausible, extremes_of_file, is_measured, odd_value, without_statistics
from ingestion.lake.rejected import MOST, Rejected
from ingestion.lake.tags import tags_sql, with_flat_tags
from ingestion.lake.text_files import TORN, csv_header, first_line
from ingestion.lake.vendor_files import (
    csv_relation,
    engine,
    literal,
    named_columns,
    parquet_columns,
    parquet_schema,
    quoted,
)
from ingestion.sources.aws.names import Place, is_focus, is_own, places
from ingestion.sources.aws.shape import (
    COLUMN_TYPES,
    COST_AND_USAGE_REPORT,
    MAPS,
    OTHER_COLUMNS,
    REQUIRED,
    SPLIT_COST_OPERATIONS,
    exact_decimal,
)

# What tools that rewrite exports put where a number or time is absent.
ABSENT = ("", "none", "null", "nan")
CONVERTED = ".cur2.parquet"
# The column whose values make the delivery's total.
TRUSTED = "line_item_unblended_cost"
# What readers of the lake add to a row (macros lake_files and lake_table of the dbt project).
RESERVED = frozenset(
    {
        *("filename", "file_row_number", "lake_dataset", "lake_file", "lake_row"),
        *("slice_id", "load_id", "delivery_load_id", "billing_month", "charges_fingerprint"),
    }
)
FOCUS = "this is a FOCUS export: give it to the FOCUS source, setting sources.focus.exports (see ingestion/sources/focus)"


@dataclass(frozen=True)
class _Field:
    """A column of the vendor's file: its header, its SQL name, its type."""

    header: str
    name: str
    type: pa.DataType

    @property
    def is_text(self) -> bool:
        return _is_text(self.type)

    @property
    def stated(self) -> str:
        """SQL: the value, NULL where it is absent in words."""
        words = ", ".join(literal(word) for word in ABSENT)
        return (
            f"case when lower(trim({self.name})) not in ({words}) then {self.name} end"
            if self.is_text
            else self.name
        )

    def as_type(self, wanted: pa.DataType) -> str:
        """SQL: the value as the raw table has it."""
        if pa.types.is_map(wanted):
            return self._as_map()
        if pa.types.is_timestamp(wanted):
            # A zone is heeded: without one it is UTC.
            return f"cast(cast(cast({self.stated} as timestamptz) as timestamp) as timestamp_ms)"
        if pa.types.is_floating(wanted):
            # By its decimal text a decimal or a float becomes the nearest double.
            exact = self.is_text or pa.types.is_integer(self.type) or pa.types.is_float64(self.type)
            return f"cast({self.stated if exact else f'cast({self.name} as varchar)'} as double)"
        return self.as_text()

    def as_text(self) -> str:
        if self.is_text:
            return self.name
        if pa.types.is_nested(self.type):
            return f"cast(to_json({self.name}) as varchar)"
        if pa.types.is_integer(self.type) and self.header.lower().endswith("account_id"):
            return f"lpad(cast({self.name} as varchar), 12, '0')"
        return f"cast({self.name} as varchar)"

    def _as_map(self) -> str:
        if pa.types.is_map(self.type):
            return f"cast({self.name} as map(varchar, varchar))"
        return f"try(cast(cast({tags_sql(f'({self._map_text})')} as json) as map(varchar, varchar)))"

    @property
    def _map_text(self) -> str:
        return self.stated if self.is_text else f"cast(to_json({self.name}) as varchar)"

    def as_no_map(self) -> str:
        """SQL: the text of a value that is no map in any spelling; else NULL. For a column of another type than map."""
        return f"case when {self._as_map()} is null then {self._map_text} end"


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


def _named(kind: pa.DataType) -> str:
    return "a time" if pa.types.is_timestamp(kind) else "a number"


def _wanted(column: str) -> pa.DataType:
    return COLUMN_TYPES.get(column) or pa.map_(pa.string(), pa.string())


def _sql_type(kind: pa.DataType) -> str:
    return "timestamp_ms" if pa.types.is_timestamp(kind) else "double" if pa.types.is_floating(kind) else "varchar"


class _Check(NamedTuple):
    """What makes a row of a file one that can't be read: in SQL, and for people."""

    column: str
    header: str
    condition: str
    reason: str


@dataclass(frozen=True)
class _Plan:
    """How a file's fields become columns of the raw table."""

    fields: tuple[_Field, ...]

    @cached_property
    def _placed(self) -> dict[str, list[tuple[Place, _Field]]]:
        placed: dict[str, list[tuple[Place, _Field]]] = {}
        for field in self.fields:
            for place in places(field.header):
                placed.setdefault(place.column, []).append((place, field))
        return placed

    def absent(self) -> list[str]:
        """The columns that a report must have, and this file has not."""
        return [column for column in REQUIRED if column not in self._placed]

    def select(self) -> str:
        """The select list: all columns, so that all converted files are alike."""
        return ",\n".join(f"{sql} as {quoted(column)}" for column, sql in self.columns())

    def columns(self) -> Iterator[tuple[str, str]]:
        """The raw table's columns, and the SQL of each."""
        for column in (*sorted(COLUMN_TYPES), *MAPS, OTHER_COLUMNS):
            sources = self._placed.get(column, [])
            is_map = column in (*MAPS, OTHER_COLUMNS)
            yield column, self._map(column, sources) if is_map else self._column(column, sources)

    def _column(self, column: str, sources: list[tuple[Place, _Field]]) -> str:
        if not sources:
            return f"cast(null as {_sql_type(_wanted(column))})"
        ordered = sorted(sources, key=lambda source: source[0].fallback)
        values = [field.as_type(_wanted(column)) for _, field in ordered]
        if column not in COST_AND_USAGE_REPORT.types:
            # The ledger does not need it: a value that can't be read costs no record.
            values = [f"try({value})" for value in values]
        if len(values) == 1:
            return values[0]
        if _is_text(_wanted(column)):
            values = [f"nullif({value}, '')" for value in values]
        return f"coalesce({', '.join(values)})"

    def _map(self, column: str, sources: list[tuple[Place, _Field]]) -> str:
        whole = [field.as_type(_wanted(column)) for place, field in sources if place.key is None]
        entries = _entries((place, field) for place, field in sources if place.key is not None)
        if column == OTHER_COLUMNS:
            # What is no map stays under its own name.
            found = [field for name in MAPS for place, field in self._placed.get(name, []) if place.key is None]
            unread = {field.header: field.as_no_map() for field in found if not pa.types.is_map(field.type)}
            entries += [(name, sql) for name, sql in unread.items() if name not in dict(entries)]
        if not whole and not entries:
            return "cast(null as map(varchar, varchar))"
        parts = [*whole]
        if entries:
            listed = ", ".join(
                f"case when {sql} <> '' then {{'k': {literal(key)}, 'v': {sql}}} end" for key, sql in entries
            )
            parts.append(f"map_from_entries(list_filter([{listed}], lambda entry: entry is not null))")
        return parts[0] if len(parts) == 1 else f"map_concat({', '.join(parts)})"

    def checks(self) -> Iterator[_Check]:
        """The conditions under which a row can't be read."""
        needed = COST_AND_USAGE_REPORT.types
        cost = dict(self.columns())[TRUSTED]
        is_no_amount = f"try({cost}) is not null and try({exact_decimal(f'try({cost})')}) is null"
        yield _Check(TRUSTED, self._placed[TRUSTED][0][1].header, is_no_amount, "not a number")
        for column, sources in self._placed.items():
            for _, field in sources if column in needed else ():
                wanted = _wanted(column)
                if field.is_text and not pa.types.is_map(wanted) and not _is_text(wanted):
                    is_other = f"{field.stated} is not null and try({field.as_type(wanted)}) is null"
                    yield _Check(column, field.header, is_other, f"not {_named(wanted)}")
        for column, sql in self.columns():
            kind = COST_AND_USAGE_REPORT.types.get(column)
            if column in self._placed and kind is not None and is_measured(kind):
                odd, reason = odd_value(COST_AND_USAGE_REPORT, column, f"try({sql})")
                yield _Check(column, self._placed[column][0][1].header, odd, reason)

    def bills(self) -> tuple[str, str]:
        """SQL: the amount of a row that counts in the ledger, and its currency; NULL where it can't be read."""
        values = dict(self.columns())
        cost, operation = f"try({values[TRUSTED]})", values["line_item_operation"]
        amount = f"case when {operation} in {SPLIT_COST_OPERATIONS} then 0 else try({exact_decimal(cost)}) end"
        return amount, f"upper(coalesce(nullif(trim({values['line_item_currency_code']}), ''), 'USD'))"


def _entries(sources: Iterable[tuple[Place, _Field]]) -> list[tuple[str, str]]:
    """Keys of a map and the SQL of their values.

    Where columns come to one key (`user:Environment`, `user:environment`), the key has the first value there is, and
    each value stays under its own spelling too.
    """
    by_key: dict[str, list[tuple[str, str]]] = {}
    for place, field in sources:
        by_key.setdefault(place.key or "", []).append((place.spelled, field.as_text()))
    found = {}
    for key, values in by_key.items():
        # The lower-case spelling comes first, in whatever order the file has them.
        ordered = [f"nullif({sql}, '')" for _, sql in sorted(values, reverse=True)]
        found[key] = values[0][1] if len(values) == 1 else f"coalesce({', '.join(ordered)})"
    for spelled, sql in [value for values in by_key.values() if len(values) > 1 for value in values]:
        name, times = spelled, 1
        while name in found:
            times += 1
            name = f"{spelled} ({times})"
        found[name] = sql
    return list(found.items())


def convert(path: Path, where: str, rejected: Rejected | None = None, *, always: bool = False) -> Path:
    """The file in the raw table's columns: itself where it is CUR 2.0's own Parquet, otherwise a new one beside it.

    `where` names the file in errors; its own Parquet is converted too where `always`. The original is deleted once it
    is converted. A row with a value that is not what its column holds, or that no vendor bills, is set aside in
    `rejected`, with what it bills; its own Parquet is converted then. Raises BadInput where the file is cut off or of no
    kind that is read, where the unblended cost of a row can't be read, or no row of the file.
    """
    rejected = Rejected() if rejected is None else rejected
    if path.name.endswith(CONVERTED):
        return path
    has_odd_rows = False
    if where.endswith(".parquet") and _is_as_declared(parquet_schema(path, where)):
        has_odd_rows = not _is_plausible(path)
        if not has_odd_rows and not always:
            return path
    reader, fields = _opened(path, where)
    if is_focus([field.header for field in fields]):
        raise BadInput(f"{where}: {FOCUS}")
    plan = _Plan(tuple(fields))
    if plan.absent():
        raise BadInput(f"{where}: no cost and usage report, it has no column {', '.join(plan.absent())}")
    target = path.with_name(f"{path.name}{CONVERTED}")

    def write(rows: str) -> None:
        connection.execute(
            f"copy (select {plan.select()} from {rows}) to {literal(str(target))} "
            "(format parquet, compression zstd, row_group_size 61440)"
        )

    with engine(path.parent) as connection:
        with_flat_tags(connection)
        if not has_odd_rows:
            try:
                write(reader)
                has_odd_rows = not _is_plausible(target)
            except duckdb.Error:
                has_odd_rows = True
        if has_odd_rows:
            # Where a line of the file is broken, its other lines may be read wrongly.
            line = None if where.endswith(".parquet") else broken_line(path, len(fields), LONGEST_LINE)
            if line:
                raise BadInput(f"{where}: {line}")
            before = len(rejected.records)
            readable = _readable_rows(connection, plan, where, reader, rejected)
            try:
                write(readable)
            except duckdb.Error as error:
                culprit = _column_at_fault(connection, plan, readable)
                raise BadInput(f"{where}: {culprit or fault(error)}") from None
            rejected.check(pq.read_metadata(target).num_rows, since=before)
    path.unlink()
    return target


CSV_SUFFIXES = (".csv", ".csv.gz", ".gz")


def is_empty(path: Path, where: str) -> bool:
    """Whether a data file has no content: no bytes, or gzipped nothing. What is cut off is for its reader to name."""
    if path.stat().st_size == 0 or not where.endswith(CSV_SUFFIXES):
        return path.stat().st_size == 0
    try:
        return not first_line(path, where)
    except TORN:
        return False


def _opened(path: Path, where: str) -> tuple[str, list[_Field]]:
    """SQL that reads a file, and its columns."""
    if where.endswith(".parquet"):
        reader, columns = parquet_columns(path, where)
        names = named_columns([name for name, _ in columns])
        return reader, [_Field(names[index], f"c{index}", kind) for index, (_, kind) in enumerate(columns)]
    if not where.endswith(CSV_SUFFIXES):
        raise BadInput(f"{where}: AWS's exports are read as Parquet or as gzipped CSV: choose one of them there")
    headers = named_columns(csv_header(path, where))
    fields = [_Field(header, f"c{index}", pa.string()) for index, header in enumerate(headers)]
    return _csv_reader(path, fields), fields


def _readable_rows(
    connection: duckdb.DuckDBPyConnection, plan: _Plan, where: str, reader: str, rejected: Rejected
) -> str:
    """SQL of a file's rows that can be read; the others are set aside, each with the first check that it fails.

    Raises BadInput for a row whose cost can't be read: the file's total is not known then.
    """
    # A row whose cost can't be read refuses the file, whatever else is odd about it.
    checks = sorted(plan.checks(), key=lambda check: check.column != TRUSTED)
    is_odd = " or ".join(["false", *(f"coalesce({check.condition}, false)" for check in checks)])
    first = " ".join(f"when coalesce({check.condition}, false) then {n}" for n, check in enumerate(checks))
    amount, currency = plan.bills()
    # Rows are numbered as they stand in the file.
    connection.execute("set preserve_insertion_order = true")
    try:
        odd = connection.execute(
            f"select n, case {first} end, {amount}, {currency} "
            f"from (select *, row_number() over () as n from {reader}) where {is_odd} order by n limit {MOST + 1}"
        ).fetchall()
    except duckdb.Error:
        return reader  # the file has another fault
    for row, number, cost, unit in odd:
        check = checks[number]
        reason = f"column {check.header}: {check.reason}"
        if check.column == TRUSTED:
            raise BadInput(f"{where}: row {row}, {reason}")
        rejected.add(f"{where}: row {row}", reason, lambda cost=cost, unit=unit: (cost, unit))  # type: ignore[misc]
    return f"(select * from {reader} where not ({is_odd}))"


def _is_plausible(path: Path) -> bool:
    """Whether a file in the raw table's columns has only times and amounts that a vendor bills."""
    try:
        extremes = extremes_of_file(COST_AND_USAGE_REPORT, path)
        check_plausible(COST_AND_USAGE_REPORT, extremes, datetime.now(UTC), "")
    except BadInput:
        return False
    unstated = without_statistics(COST_AND_USAGE_REPORT, path)
    if not unstated:
        return True
    is_odd = " or ".join(f"({odd_value(COST_AND_USAGE_REPORT, name, quoted(name))[0]})" for name in unstated)
    with engine(path.parent) as connection:
        (found,) = connection.execute(
            f"select bool_or({is_odd}) from read_parquet({literal(str(path))})"
        ).fetchone() or (False,)
    return not found


def _is_as_declared(schema: pa.Schema) -> bool:
    """Whether a file is CUR 2.0's own, and its columns have the types that the raw table has.

    One with a column of a name that readers of the lake give to a row's place is converted: such a column goes into the map.
    So is one whose names differ in case only, which readers take for one, or that has a column without a name.
    """
    names = [name.lower() for name in schema.names]
    if RESERVED & set(names) or len(set(names)) < len(names) or not all(name.strip() for name in names):
        return False
    return is_own(schema.names) and not is_focus(schema.names) and all(_has_its_type(field) for field in schema)


def _has_its_type(field: pa.Field) -> bool:
    """Whether a column has the type that it has in the raw table; one that CUR 2.0 doesn't know has any."""
    if field.name in MAPS:
        kind = field.type
        return pa.types.is_map(kind) and _is_text(kind.key_type) and _is_text(kind.item_type)
    wanted = COLUMN_TYPES.get(field.name)
    if wanted is None:
        return True
    return bool(field.type.equals(wanted)) or (_is_text(wanted) and pa.types.is_large_string(field.type))


def _csv_reader(path: Path, fields: list[_Field]) -> str:
    """SQL that reads a CSV file as text, its columns by position: their names may differ in case only."""
    return csv_relation(path, [field.name for field in fields])


def _column_at_fault(connection: duckdb.DuckDBPyConnection, plan: _Plan, reader: str) -> str | None:
    """The first column that can't be made of the file's columns, by itself."""
    for column, sql in plan.columns():
        try:
            connection.execute(f"select count({sql}) from {reader}").fetchall()
        except duckdb.Error as error:
            return f"column {column}: {fault(error)}"
    return None

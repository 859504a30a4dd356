"""A data file of any AWS cost export as Parquet in CUR 2.0's columns: one set-based statement of DuckDB a file.

CUR 2.0's own Parquet passes as it is. What the raw table declares has one type in all files, and what CUR 2.0 doesn't
know goes as text into one map: so a format that changes, or a column that comes, never clashes with what lies in the
lake, for dlt as little as for DuckDB and Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.errors import BadInput
from ingestion.lake.faults import broken_line, fault
from ingestion.lake.tags import tags_sql, with_flat_tags
from ingestion.lake.vendor_files import (
    LONGEST_LINE,
    csv_header,
    csv_relation,
    engine,
    literal,
    named_columns,
    parquet_columns,
    parquet_schema,
    quoted,
)
from ingestion.sources.aws.names import Place, is_focus, is_own, places
from ingestion.sources.aws.shape import COLUMN_TYPES, MAPS, OTHER_COLUMNS, REQUIRED

# What tools that rewrite exports put where a number or time is absent.
ABSENT = ("", "none", "null", "nan")
CONVERTED = ".cur2.parquet"
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
        return f"case when lower({self.name}) not in ({words}) then {self.name} end" if self.is_text else self.name

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
        text = self.stated if self.is_text else f"cast(to_json({self.name}) as varchar)"
        # What is no map in any spelling fails the cast, and is named by row and column.
        return f"cast(cast(coalesce({tags_sql(f'({text})')}, {text}) as json) as map(varchar, varchar))"


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind))


def _named(kind: pa.DataType) -> str:
    return (
        "a time" if pa.types.is_timestamp(kind) else "a number" if pa.types.is_floating(kind) else "a map in JSON"
    )


def _wanted(column: str) -> pa.DataType:
    return COLUMN_TYPES.get(column) or pa.map_(pa.string(), pa.string())


def _sql_type(kind: pa.DataType) -> str:
    return "timestamp_ms" if pa.types.is_timestamp(kind) else "double" if pa.types.is_floating(kind) else "varchar"


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
        if len(values) == 1:
            return values[0]
        if _is_text(_wanted(column)):
            values = [f"nullif({value}, '')" for value in values]
        return f"coalesce({', '.join(values)})"

    def _map(self, column: str, sources: list[tuple[Place, _Field]]) -> str:
        if not sources:
            return "cast(null as map(varchar, varchar))"
        whole = [field.as_type(_wanted(column)) for place, field in sources if place.key is None]
        entries = _entries((place, field) for place, field in sources if place.key is not None)
        parts = [*whole]
        if entries:
            listed = ", ".join(
                f"case when {sql} <> '' then {{'k': {literal(key)}, 'v': {sql}}} end" for key, sql in entries
            )
            parts.append(f"map_from_entries(list_filter([{listed}], lambda entry: entry is not null))")
        return parts[0] if len(parts) == 1 else f"map_concat({', '.join(parts)})"

    def typed(self) -> Iterator[tuple[_Field, str, str]]:
        """The fields whose text must be a number, a time or a map: the SQL that makes it one, and what it must be."""
        for column, sources in self._placed.items():
            for place, field in sources:
                wanted = _wanted(column)
                if field.is_text and place.key is None and not _is_text(wanted):
                    yield field, field.as_type(wanted), _named(wanted)


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


def convert(path: Path, where: str, *, always: bool = False) -> Path:
    """The file in the raw table's columns: itself where it is CUR 2.0's own Parquet, otherwise a new one beside it.

    `where` names the file in errors; its own Parquet is converted too where `always`. The original is deleted once it
    is converted. Raises BadInput where the file is cut off or of no kind that is read, or a value is not what its
    column holds.
    """
    if path.name.endswith(CONVERTED):
        return path
    if where.endswith(".parquet"):
        schema = parquet_schema(path, where)
        if not always and _is_as_declared(schema):
            return path
        reader, columns = parquet_columns(path, where)
        names = named_columns([name for name, _ in columns])
        fields = [_Field(names[index], f"c{index}", kind) for index, (_, kind) in enumerate(columns)]
    elif where.endswith((".csv", ".csv.gz", ".gz")):
        headers = named_columns(csv_header(path, where))
        if not headers:
            raise BadInput(f"{where}: an empty file; CSV exports have a header")
        fields = [_Field(header, f"c{index}", pa.string()) for index, header in enumerate(headers)]
        reader = _csv_reader(path, fields)
    else:
        raise BadInput(f"{where}: AWS's exports are read as Parquet or as gzipped CSV: choose one of them there")
    if is_focus([field.header for field in fields]):
        raise BadInput(f"{where}: {FOCUS}")
    plan = _Plan(tuple(fields))
    if plan.absent():
        raise BadInput(f"{where}: no cost and usage report, it has no column {', '.join(plan.absent())}")
    target = path.with_name(f"{path.name}{CONVERTED}")
    with engine(path.parent) as connection:
        with_flat_tags(connection)
        try:
            connection.execute(
                f"copy (select {plan.select()} from {reader}) to {literal(str(target))} "
                "(format parquet, compression zstd, row_group_size 61440)"
            )
        except duckdb.Error as error:
            line = None if where.endswith(".parquet") else broken_line(path, len(fields), LONGEST_LINE)
            culprit = line or _culprit(connection, plan, reader) or _column_at_fault(connection, plan, reader)
            raise BadInput(f"{where}: {culprit or fault(error)}") from None
    path.unlink()
    return target


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


def _culprit(connection: duckdb.DuckDBPyConnection, plan: _Plan, reader: str) -> str | None:
    """The first row and column that is no number, time or map; None where the file has another fault."""
    typed = list(plan.typed())
    if not typed:
        return None
    connection.execute("set threads = 1")
    connection.execute("set preserve_insertion_order = true")
    checks = ", ".join(
        f"min(n) filter (where {field.stated} is not null and try({sql}) is null)" for field, sql, _ in typed
    )
    try:
        found = connection.execute(
            f"select {checks} from (select *, row_number() over () as n from {reader})"
        ).fetchone()
    except duckdb.Error:
        return None
    wrong = [(row, field.header, kind) for (field, _, kind), row in zip(typed, found or (), strict=True) if row]
    if not wrong:
        return None
    row, header, kind = min(wrong)
    return f"row {row}, column {header}: not {kind}"

"""Files of a format as rows of `llm_requests`: one statement of DuckDB, whose result lies in a mapped file.

A line that is no record is looked for only when the statement has failed.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.errors import BadInput
from ingestion.lake.columns import Column
from ingestion.lake.contract import Columns
from ingestion.lake.faults import broken_line, fault
from ingestion.lake.plausible import check_plausible, extremes_of_rows, is_measured
from ingestion.lake.rejected import SHAPES, Rejected
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
from ingestion.sources.llm_gateway.formats import Format
from ingestion.sources.llm_gateway.formats.base import TEXT, sql_type, structure
from ingestion.sources.llm_gateway.formats.usage import SETTLED
from ingestion.sources.llm_gateway.identity import Identities, settle_actors
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS

SCHEMA = pa.schema([pa.field(column.name, column.type) for column in LLM_REQUESTS.columns])
BATCH_ROWS = 50_000
# A full disk or memory is no fault of a record.
OF_THE_MACHINE = (duckdb.IOException, duckdb.OutOfMemoryException)
# A record with a long conversation in it; DuckDB keeps two of them a thread.
LONGEST_RECORD = 32 << 20
LINES = (".jsonl", ".jsonl.gz", ".json.gz")


@dataclass(frozen=True)
class Local:
    """A file on this machine, and what people call it."""

    path: Path
    where: str


def read(
    kind: Format,
    files: Sequence[Local],
    accounts: Mapping[str, str],
    known: Identities | None = None,
    rejected: Rejected | None = None,
) -> Columns:
    """The requests in some files of one format.

    A record that can't be read goes into `rejected`. Without it, and where none of several in a file can be read, BadInput
    names file and line or row; a file of lines that is cut off always raises it.
    """
    with tempfile.TemporaryDirectory(prefix="costowner-llm-") as folder:
        target = Path(folder) / "requests.arrow"
        with engine(Path(folder)) as connection:
            connection.execute("set preserve_insertion_order = true")
            with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
                for group in alike(files):
                    for rows in _settled(connection, kind, group, accounts, known, rejected):
                        writer.write_table(rows)
        # The file goes with its folder; what is mapped stays until it is let go.
        return Columns(LLM_REQUESTS, pa.ipc.open_file(pa.memory_map(str(target))).read_all())


def read_together(
    kind: Format, slices: Sequence[Sequence[Local]], accounts: Mapping[str, str], known: Identities | None = None
) -> list[Columns]:
    """The requests of many small slices by one statement, slice by slice: a statement costs more than their rows.

    The files' names are unlike, and in the order of the slices. Raises BadInput without a place: then each is read by itself.
    """
    of_slice = {str(file.path): number for number, files in enumerate(slices) for file in files}
    parts: list[list[pa.Table]] = [[] for _ in slices]
    with tempfile.TemporaryDirectory(prefix="costowner-llm-") as folder, engine(Path(folder)) as connection:
        for group in alike([file for files in slices for file in files]):
            relation = next(iter(_relations(kind, group, named=True)))
            try:
                rows = connection.execute(
                    f"{kind.select(relation, accounts, ', filename')} order by filename"
                ).to_arrow_table()
            except duckdb.Error as error:
                raise BadInput(fault(error)) from None
            check_plausible(LLM_REQUESTS, extremes_of_rows(LLM_REQUESTS, rows), datetime.now(UTC), "")
            start = 0
            for count in pc.value_counts(rows["filename"]).to_pylist():
                part = rows.slice(start, count["counts"]).drop_columns(["filename"])
                parts[of_slice[count["values"]]].append(settle_actors(part, known).cast(SCHEMA))
                start += count["counts"]
    return [Columns(LLM_REQUESTS, pa.concat_tables(found) if found else SCHEMA.empty_table()) for found in parts]


def alike(files: Sequence[Local]) -> Iterator[list[Local]]:
    """Files by how they are read. Tables are read one by one, because each has its own columns."""
    lines = [file for file in files if file.path.name.endswith(LINES)]
    objects = [file for file in files if file.path.name.endswith(".json")]
    yield from (group for group in (lines, objects) if group)
    yield from ([file] for file in files if not file.path.name.endswith((*LINES, ".json")))


def _settled(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    files: list[Local],
    accounts: Mapping[str, str],
    known: Identities | None,
    rejected: Rejected | None,
) -> Iterator[pa.Table]:
    """The rows of files that are alike, without tokens."""
    for file in files:
        if file.path.name.endswith(".gz"):
            try:
                first_line(file.path)
            except TORN as torn:
                raise BadInput(f"{file.where}: not a whole gzip file ({fault(torn)})") from None
    last: tuple[Exception, str] | None = None
    for relation in _relations(kind, files):
        try:
            # Counted first, so that nothing has been handed on when a record can't be read.
            connection.execute(f"create or replace temp table rows as {kind.select(relation, accounts)}")
            _check(connection, "rows")
            break
        except OF_THE_MACHINE:
            raise
        except (duckdb.Error, BadInput) as error:
            last = error, relation
    else:
        if last and rejected is not None and len(files) > 1:
            # The others are as they should be.
            for file in files:
                yield from _settled(connection, kind, [file], accounts, known, rejected)
            return
        if last and rejected is None:
            raise _explained(connection, kind, files, accounts, *last) from None
        if last and rejected is not None:
            readable = _readable(connection, kind, files[0], accounts, rejected, *last)
            connection.execute(f"create or replace temp table rows as {kind.select(readable, accounts)}")
    reader = connection.execute("from rows").to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield settle_actors(pa.Table.from_batches([batch]), known).cast(SCHEMA)


def _check(connection: duckdb.DuckDBPyConnection, rows: str) -> None:
    """Raise BadInput, with the column, where a value of some rows is one that no vendor bills."""
    measured = [column for column in LLM_REQUESTS.columns if is_measured(column.type)]
    listed = ", ".join(f"{_held('min', column)}, {_held('max', column)}" for column in measured)
    (found,) = connection.execute(f"select {listed} from {rows}").fetchall()
    extremes = {
        column.name: pair for column, pair in zip(measured, zip(found[::2], found[1::2], strict=True), strict=True)
    }
    check_plausible(LLM_REQUESTS, extremes, datetime.now(UTC), "")


def _held(extreme: str, column: Column) -> str:
    """SQL: an extreme value of a column; a time that Python can't hold is one that it can, and just as implausible."""
    value = f"{extreme}({column.name})"
    if not pa.types.is_timestamp(column.type):
        return value
    # DuckDB's greatest and least pass over NULL.
    return (
        f"case when {value} is not null "
        f"then greatest(least({value}, timestamptz '9999-12-30'), timestamptz '0001-01-02') end"
    )


def _relations(kind: Format, files: list[Local], *, named: bool = False) -> list[str]:
    """SQL that gives the declared fields: the fast way, and the one that bears a field of another kind."""
    name = files[0].path.name
    if name.endswith(".parquet"):
        return [_from_parquet(kind, files[0])]
    if name.endswith((".csv", ".csv.gz")):
        return [_from_csv(kind, files[0])]
    listed, options = json_files(files)
    options += ", filename = true" if named else ""
    columns = ", ".join(
        f"{literal(field)}: {literal(sql_type(declared))}" for field, declared in kind.fields.items()
    )
    fast = f"select * from read_json({listed}, columns = {{{columns}}}, {options})"
    lenient = _unpacked(f"select json as record from read_json_objects({listed}, {options})", kind)
    return [fast, lenient]


def json_files(files: Sequence[Local]) -> tuple[str, str]:
    """SQL: the list of JSON files that are alike, and how DuckDB has to read them."""
    layout = "newline_delimited" if files[0].path.name.endswith(LINES) else "unstructured"
    listed = ", ".join(literal(str(file.path)) for file in files)
    return f"[{listed}]", f"format = '{layout}', maximum_object_size = {LONGEST_RECORD}"


def _unpacked(records: str, kind: Format) -> str:
    """SQL of the declared fields of JSON objects; a field of another kind is NULL."""
    checked = "case when json_type(record) = 'OBJECT' then record else error('not a JSON object') end"
    # Materialized, because every field would otherwise parse the record again.
    return (
        f"with parsed as materialized (select json_transform({checked}, {literal(structure(kind.fields))}) as fields "
        f"from ({records})) select unnest(fields) from parsed"
    )


def _from_parquet(kind: Format, file: Local) -> str:
    schema = parquet_schema(file.path, file.where)
    nested = {field.name for field in schema if pa.types.is_nested(field.type) or pa.types.is_map(field.type)}
    return _from_table(kind, f"read_parquet({literal(str(file.path))})", set(schema.names), nested)


def header(path: Path) -> list[str]:
    """The names of a CSV file's columns. Raises one of TORN where the file is cut off."""
    return next(csv.reader([first_line(path)]), [])


def _from_csv(kind: Format, file: Local) -> str:
    try:
        names = header(file.path)
    except TORN as error:
        raise BadInput(f"{file.where}: not a whole CSV file ({fault(error)})") from None
    return _from_table(kind, csv_relation(file.path, names), set(names), set())


def _from_table(kind: Format, relation: str, present: set[str], nested: set[str]) -> str:
    """SQL of the declared fields of a table. Objects are columns of their own kind, or JSON as text."""
    listed = []
    for name, declared in kind.fields.items():
        if name not in present:
            sql = f"cast(null as {sql_type(declared)})"
        else:
            text = (
                f"cast(to_json({quoted(name)}) as varchar)"
                if name in nested
                else f"cast({quoted(name)} as varchar)"
            )
            json_or_null = f"case when json_valid({text}) then cast({text} as json) end"
            if declared == TEXT:
                sql = text
            elif declared == "JSON":
                sql = json_or_null
            else:
                sql = f"json_transform({json_or_null}, {literal(structure(declared))})"
        listed.append(f"{sql} as {quoted(name)}")
    return f"select {', '.join(listed)} from {relation}"


def _explained(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    files: list[Local],
    accounts: Mapping[str, str],
    error: Exception,
    relation: str,
) -> BadInput:
    """What was wrong, with the first file and line or row that has it."""
    for file in files:
        rejected = Rejected()
        try:
            _readable(connection, kind, file, accounts, rejected, error, relation, most=1)
        except BadInput as reason:
            return reason
        for record in rejected.records:
            return BadInput(f"{record['place']}: {record['reason']}")
    return BadInput(f"{', '.join(file.where for file in files)}: {fault(error, kind.select(relation, accounts))}")


def _readable(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    file: Local,
    accounts: Mapping[str, str],
    rejected: Rejected,
    error: Exception,
    relation: str,
    most: int | None = None,
) -> str:
    """SQL of the declared fields of a file's records that can be read; the others, or the first `most`, are rejected.

    Raises BadInput where the file is cut off, or where none of several records can be read.
    """
    first = len(rejected.records)
    records: Callable[[int, int], str]
    if file.path.name.endswith((*LINES, ".json")):
        places = _given_records(connection, kind, file, rejected, most)
        records = partial(_given_lines, kind)
    else:
        places = _given_table(connection, file, error, relation)
        records = _given_rows
    bad = set()
    if most is None or len(rejected.records) < most:
        for number, reason in _bad(connection, kind, records, list(places), accounts, most):
            rejected.add(places[number], reason)
            bad.add(number)
    left = [number for number in places if number not in bad]
    if most is None and not left and len(rejected.records) - first > 1:
        record = rejected.records[first]
        raise BadInput(f"{record['place']}: {record['reason']}; no record of the file can be read")
    if bad:
        listed = ", ".join(map(str, sorted(bad)))
        connection.execute(f"create or replace temp table given as from given where n not in ({listed})")
    return records(min(left, default=0), max(left, default=0))


def _given_records(
    connection: duckdb.DuckDBPyConnection, kind: Format, file: Local, rejected: Rejected, most: int | None
) -> dict[int, str]:
    """A file's JSON objects of one record each, as the table `given`; gives their numbers there, with their places."""
    place = f"{file.where}, line"
    try:
        numbered = list(_lines(file.path))
    except TORN as torn:
        raise BadInput(f"{file.where}: not a whole file ({fault(torn)})") from None
    objects: list[bytes] = []
    places: dict[int, str] = {}
    for number, line in numbered:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            # An object of its own is set aside; the last of several lines shows that the file is not whole.
            is_whole_object = file.path.name.endswith(".json") and len(numbered) == 1
            if number == numbered[-1][0] and not is_whole_object:
                raise BadInput(f"{place} {number}: not JSON; the line is cut off or garbled") from None
            rejected.add(f"{place} {number}", "not JSON; the line is cut off or garbled")
        else:
            if isinstance(record, dict):
                parts = _parts(kind, line)
                for nth, part in enumerate(parts, start=1):
                    places[len(objects)] = f"{place} {number}" + (f", {kind.part} {nth}" if len(parts) > 1 else "")
                    objects.append(part)
                continue
            if isinstance(record, list) and len(record) > 1 and file.path.name.endswith(".json"):
                raise BadInput(f"{place} {number}: a list, not a JSON object")
            rejected.add(f"{place} {number}", "not a JSON object")
        if most is not None and len(rejected.records) >= most:
            return {}
    connection.register("objects", _given(objects))
    connection.execute("create or replace temp table given as from objects")
    return places


def _parts(kind: Format, line: bytes) -> list[bytes]:
    """The JSON objects of one record each that a line is made of."""
    try:
        return kind.split(line) if kind.split else [line]
    except SHAPES:
        return [line]


def _given(objects: list[bytes]) -> pa.Table:
    return pa.table(
        {
            "n": pa.array(range(len(objects)), pa.int64()),
            "record": pa.array([line.decode("utf-8", "replace") for line in objects], pa.string()),
        }
    )


def _given_lines(kind: Format, first: int, last: int) -> str:
    return _unpacked(f"select cast(record as json) as record from given where n between {first} and {last}", kind)


def _given_rows(first: int, last: int) -> str:
    return f"select * exclude (n) from given where n between {first} and {last}"


def _given_table(
    connection: duckdb.DuckDBPyConnection, file: Local, error: Exception, relation: str
) -> dict[int, str]:
    """A table's rows, as the table `given`; gives their numbers, with their places. Raises BadInput where it is no table."""
    if not file.path.name.endswith(".parquet"):
        line = broken_line(file.path, len(header(file.path)), LONGEST_LINE)
        if line:
            raise BadInput(f"{file.where}, {line}")
    try:
        connection.execute(
            f"create or replace temp table given as select row_number() over () as n, * from ({relation})"
        )
        numbers = connection.execute("select n from given order by n").fetchall()
        return {number: f"{file.where}, row {number}" for (number,) in numbers}
    except duckdb.Error as other:
        raise BadInput(f"{file.where}: {fault(other, relation)}") from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    packed = path.name.endswith(".gz")
    with cast(IO[bytes], gzip.open(path)) if packed else path.open("rb") as file:
        if path.name.endswith(".json"):
            yield from _json_values(file.read())
            return
        yield from _numbered(file)


def _json_values(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The values of a `.json` file, with their lines: one or several; lines where one is garbled; else the whole file."""
    # What is not UTF-8 stays as it is: its record is the one that can't be read.
    text = content.decode("utf-8", "surrogateescape")
    values: list[tuple[int, bytes]] = []
    place, line = 0, 1
    while found := re.compile(r"\S").search(text, place):
        line += text.count("\n", place, found.start())
        try:
            _, place = json.JSONDecoder().raw_decode(text, found.start())
        except (ValueError, RecursionError):
            lines = content.splitlines()
            # A value a line; or an object of its own that is not whole.
            yield from _numbered(lines) if values or any(map(_is_object, lines)) else [(1, content)]
            return
        values.append((line, text[found.start() : place].encode("utf-8", "surrogateescape")))
        line += text.count("\n", found.start(), place)
    yield from values


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line


def _bad(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    records: Callable[[int, int], str],
    numbers: Sequence[int],
    accounts: Mapping[str, str],
    most: int | None,
) -> Iterator[tuple[int, str]]:
    """The numbers of the records that can't be read, found by halving, and what is wrong with each.

    `records` gives the SQL of the declared fields of the records from one number to another.
    """

    def wrong(part: Sequence[int], among: Format = kind) -> str | None:
        statement = among.select(records(part[0], part[-1]), accounts)
        try:
            connection.execute(f"create or replace temp table tried as {statement}")
            _check(connection, "tried")
        except OF_THE_MACHINE:
            raise
        except duckdb.Error as error:
            return fault(error, statement)
        except BadInput as implausible:
            return str(implausible)
        return None

    found = 0
    # The last part is looked at first: so the first records are found first.
    parts = [numbers] if numbers else []
    while parts and (most is None or found < most):
        part = parts.pop()
        reason = wrong(part)
        if reason is None:
            continue
        if len(part) > 1:
            half = len(part) // 2
            parts += [part[half:], part[:half]]
            continue
        # The first column that can't be made, by halving, too.
        columns = list(kind.columns)
        while len(columns) > 1:
            first = columns[: len(columns) // 2]
            columns = first if wrong(part, _only(kind, first)) else columns[len(first) :]
        named = wrong(part, _only(kind, columns))
        if named:
            reason = named if named.startswith(columns[0]) else f"{columns[0]}: {named}"
        found += 1
        yield part[0], reason


def _only(kind: Format, columns: Sequence[str]) -> Format:
    """A format with some of its columns."""
    return replace(
        kind,
        columns={"provider": "null", **{name: kind.columns[name] for name in columns}},
        token="null",  # noqa: S106 - SQL
        usage=kind.usage if SETTLED.keys() & set(columns) else None,
    )

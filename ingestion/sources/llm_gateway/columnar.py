"""Files of a format as rows of `llm_requests`: one statement of DuckDB, whose result lies in a mapped file.

A line that is no record is looked for only when the statement has failed.
"""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.errors import BadInput
from ingestion.lake.contract import Columns
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
from ingestion.sources.llm_gateway.formats import Format
from ingestion.sources.llm_gateway.formats.base import TEXT, sql_type, structure
from ingestion.sources.llm_gateway.identity import Identities, settle_actors
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS

SCHEMA = pa.schema([pa.field(column.name, column.type) for column in LLM_REQUESTS.columns])
BATCH_ROWS = 50_000
# A record with a long conversation in it; DuckDB keeps two of them a thread.
LONGEST_RECORD = 32 << 20
LINES = (".jsonl", ".jsonl.gz", ".json.gz")


@dataclass(frozen=True)
class Local:
    """A file on this machine, and what people call it."""

    path: Path
    where: str


def read(
    kind: Format, files: Sequence[Local], accounts: Mapping[str, str], known: Identities | None = None
) -> Columns:
    """The requests in some files of one format.

    Raises BadInput, with file and line or row, where one of them holds something else.
    """
    with tempfile.TemporaryDirectory(prefix="costowner-llm-") as folder:
        target = Path(folder) / "requests.arrow"
        with engine(Path(folder)) as connection:
            connection.execute("set preserve_insertion_order = true")
            with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, SCHEMA) as writer:
                for group in alike(files):
                    for rows in _settled(connection, kind, group, accounts, known):
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
) -> Iterator[pa.Table]:
    """The rows of files that are alike, without tokens."""
    for file in files:
        if file.path.name.endswith(".gz"):
            try:
                first_line(file.path)
            except TORN as torn:
                raise BadInput(f"{file.where}: not a whole gzip file ({fault(torn)})") from None
    last: tuple[duckdb.Error, str] | None = None
    for relation in _relations(kind, files):
        try:
            # Counted first, so that nothing has been handed on when a record can't be read.
            connection.execute(f"create or replace temp table rows as {kind.select(relation, accounts)}")
            break
        except duckdb.Error as error:
            last = error, relation
    else:
        if last:
            raise _explained(connection, kind, files, accounts, *last) from None
    reader = connection.execute("from rows").to_arrow_reader(BATCH_ROWS)
    for batch in reader:
        yield settle_actors(pa.Table.from_batches([batch]), known).cast(SCHEMA)


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
    error: duckdb.Error,
    relation: str,
) -> BadInput:
    """What was wrong, with the first file and line or row that has it."""
    for file in files:
        if not file.path.name.endswith((*LINES, ".json")):
            return _explained_table(connection, kind, file, accounts, error, relation)
        try:
            numbered = list(_lines(file.path))
        except TORN as torn:
            return BadInput(f"{file.where}: not a whole file ({fault(torn)})")
        for number, line in numbered:
            try:
                record = json.loads(line)
            except ValueError:
                return BadInput(f"{file.where}, line {number}: not JSON; the line is cut off or garbled")
            if not isinstance(record, dict):
                return BadInput(f"{file.where}, line {number}: not a JSON object")
        connection.register("given", _given(numbered))
        found = _first_bad(connection, kind, partial(_given_lines, kind), numbered, accounts)
        if found:
            return BadInput(f"{file.where}, line {found[0]}: {found[1]}")
    return BadInput(f"{', '.join(file.where for file in files)}: {fault(error, kind.select(relation, accounts))}")


def _given(numbered: list[tuple[int, bytes]]) -> pa.Table:
    return pa.table(
        {
            "n": [number for number, _ in numbered],
            "record": [line.decode("utf-8", "replace") for _, line in numbered],
        }
    )


def _given_lines(kind: Format, first: int, last: int) -> str:
    return _unpacked(f"select cast(record as json) as record from given where n between {first} and {last}", kind)


def _given_rows(first: int, last: int) -> str:
    return f"select * exclude (n) from given where n between {first} and {last}"


def _explained_table(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    file: Local,
    accounts: Mapping[str, str],
    error: duckdb.Error,
    relation: str,
) -> BadInput:
    """The same of a table: the line that is none, or the first row that is no record."""
    if not file.path.name.endswith(".parquet"):
        line = broken_line(file.path, len(header(file.path)), LONGEST_LINE)
        if line:
            return BadInput(f"{file.where}, {line}")
    try:
        connection.execute(
            f"create or replace temp table given as select row_number() over () as n, * from ({relation})"
        )
        numbers = connection.execute("select n, n from given order by n").fetchall()
    except duckdb.Error as other:
        return BadInput(f"{file.where}: {fault(other, relation)}")
    found = _first_bad(connection, kind, _given_rows, numbers, accounts)
    if found:
        return BadInput(f"{file.where}, row {found[0]}: {found[1]}")
    return BadInput(f"{file.where}: {fault(error, kind.select(relation, accounts))}")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    packed = path.name.endswith(".gz")
    with cast(IO[bytes], gzip.open(path)) if packed else path.open("rb") as file:
        if path.name.endswith(".json"):
            content = file.read()
            try:
                json.loads(content)
            except ValueError:
                yield from _numbered(content.splitlines())
            else:
                yield 1, content
            return
        yield from _numbered(file)


def _numbered(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, line


def _first_bad(
    connection: duckdb.DuckDBPyConnection,
    kind: Format,
    records: Callable[[int, int], str],
    numbered: Sequence[tuple[int, object]],
    accounts: Mapping[str, str],
) -> tuple[int, str] | None:
    """The number of the first record that can't be read, by halving, and what is wrong with it.

    `records` gives the SQL of the declared fields of the records from one number to another.
    """

    def wrong(part: Sequence[tuple[int, object]], among: Format = kind) -> str | None:
        statement = among.select(records(part[0][0], part[-1][0]), accounts)
        try:
            connection.execute(statement).fetchall()
        except duckdb.Error as error:
            return fault(error, statement)
        return None

    if not numbered or wrong(numbered) is None:
        return None
    while len(numbered) > 1:
        half = len(numbered) // 2
        numbered = numbered[:half] if wrong(numbered[:half]) else numbered[half:]
    # The columns one by one: the first that can't be made is named.
    for column, sql in kind.columns.items():
        alone = replace(kind, columns={"provider": "null", column: sql}, token="null")  # noqa: S106 - SQL
        reason = wrong(numbered, alone)
        if reason:
            return numbered[0][0], f"{column}: {reason}"
    return numbered[0][0], wrong(numbered) or "can't be read"

"""Files of a format as rows of `llm_requests`: one statement of DuckDB, whose result lies in a mapped file.

A line that is no record is looked for only when the statement has failed.
"""

from __future__ import annotations

import csv
import gzip
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.errors import BadInput
from ingestion.lake import Columns
from ingestion.llm_gateway.formats import Format
from ingestion.llm_gateway.formats.base import TEXT, sql_type, structure
from ingestion.llm_gateway.identity import Identities, settle_actors
from ingestion.llm_gateway.shape import LLM_REQUESTS
from ingestion.vendor_files import TORN, csv_relation, engine, first_line, literal, one_line, quoted

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

    The files' names are unlike, and in the order of the slices. Raises BadInput without saying where: read them apart.
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
                raise BadInput(one_line(error)) from error
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
                raise BadInput(f"{file.where}: not a whole gzip file ({one_line(torn)})") from torn
    last: Exception | None = None
    for relation in _relations(kind, files):
        try:
            # Counted first, so that nothing has been handed on when a record can't be read.
            connection.execute(f"create or replace temp table rows as {kind.select(relation, accounts)}")
            break
        except duckdb.Error as error:
            last = error
    else:
        raise _explained(connection, kind, files, accounts, last or Exception("can't be read"))
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
        f"with told as materialized (select json_transform({checked}, {literal(structure(kind.fields))}) as fields "
        f"from ({records})) select unnest(fields) from told"
    )


def _from_parquet(kind: Format, file: Local) -> str:
    try:
        schema = pq.read_schema(file.path)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"{file.where}: not a whole Parquet file ({one_line(error)})") from error
    nested = {field.name for field in schema if pa.types.is_nested(field.type) or pa.types.is_map(field.type)}
    return _from_table(kind, f"read_parquet({literal(str(file.path))})", set(schema.names), nested)


def header(path: Path) -> list[str]:
    """The names of a CSV file's columns. Raises one of TORN where the file is cut off."""
    return next(csv.reader([first_line(path)]), [])


def _from_csv(kind: Format, file: Local) -> str:
    try:
        names = header(file.path)
    except TORN as error:
        raise BadInput(f"{file.where}: not a whole CSV file ({one_line(error)})") from error
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
) -> BadInput:
    """What was wrong, with the first file and line that has it."""
    for file in files:
        if not file.path.name.endswith((*LINES, ".json")):
            continue
        try:
            numbered = list(_lines(file.path))
        except TORN as torn:
            return BadInput(f"{file.where}: not a whole file ({one_line(torn)})")
        for number, line in numbered:
            try:
                record = json.loads(line)
            except ValueError:
                return BadInput(f"{file.where}, line {number}: not JSON; the line is cut off or garbled")
            if not isinstance(record, dict):
                return BadInput(f"{file.where}, line {number}: not a JSON object")
        found = _first_bad(connection, kind, numbered, accounts)
        if found:
            number, reason = found
            return BadInput(f"{file.where}, line {number}: {one_line(reason)}")
    return BadInput(f"{', '.join(file.where for file in files)}: {one_line(error)}")


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
    lines: list[tuple[int, bytes]],
    accounts: Mapping[str, str],
) -> tuple[int, Exception] | None:
    """The first line that is JSON and yet no record, by halving."""

    def fault(part: list[tuple[int, bytes]]) -> Exception | None:
        given = pa.table({"record": [line.decode("utf-8", "replace") for _, line in part]})
        connection.register("given", given)
        relation = _unpacked("select cast(record as json) as record from given", kind)
        try:
            connection.execute(kind.select(relation, accounts)).fetchall()
        except duckdb.Error as error:
            return error
        return None

    error = fault(lines)
    if error is None:
        return None
    while len(lines) > 1:
        half = len(lines) // 2
        first = fault(lines[:half])
        lines, error = (lines[:half], first) if first else (lines[half:], error)
    return lines[0][0], fault(lines) or error

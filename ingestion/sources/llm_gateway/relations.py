"""How files of a format are read: SQL that gives the declared fields of their records."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from ingestion.errors import BadInput
from ingestion.lake import text_files
from ingestion.lake.faults import fault
from ingestion.lake.text_files import csv_header
from ingestion.lake.vendor_files import LONG_JSON, csv_relation, literal, parquet_schema, quoted
from ingestion.sources.llm_gateway.formats import Format
from ingestion.sources.llm_gateway.formats.base import TEXT, sql_type, structure

# A record with a long conversation in it; DuckDB keeps two of them a thread.
LONGEST_RECORD = 32 << 20
# How deep the values of a record may lie in each other: as deep as Python's own reader goes.
DEEPEST = 1_000
TEXTS, BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL), re.compile(rb"[\[\]{}]")
LINES = (".jsonl", ".jsonl.gz", ".json.gz")


@dataclass(frozen=True)
class Local:
    """A file on this machine, and what people call it."""

    path: Path
    where: str


def alike(files: Sequence[Local]) -> Iterator[list[Local]]:
    """Files by how they are read. Tables are read one by one, because each has its own columns."""
    lines = [file for file in files if file.path.name.endswith(LINES)]
    objects = [file for file in files if file.path.name.endswith(".json")]
    yield from (group for group in (lines, objects) if group)
    yield from ([file] for file in files if not file.path.name.endswith((*LINES, ".json")))


def relations(kind: Format, files: list[Local], *, named: bool = False) -> list[str]:
    """SQL that gives the declared fields: the fast way, and the one that bears a field of another kind.

    Raises BadInput for a record that DuckDB does not bear: nested without end, or too long.
    """
    name = files[0].path.name
    if name.endswith(".parquet"):
        return [_from_parquet(kind, files[0])]
    if name.endswith((".csv", ".csv.gz")):
        return [_from_csv(kind, files[0])]
    for file in files:
        _check_depth(file)
    listed, options = json_files(files)
    options += ", filename = true" if named else ""
    columns = ", ".join(
        f"{literal(field)}: {literal(sql_type(declared))}" for field, declared in kind.fields.items()
    )
    fast = f"select * from read_json({listed}, columns = {{{columns}}}, {options})"
    lenient = unpacked(f"select json as record from read_json_objects({listed}, {options})", kind)
    return [fast, lenient]


def _check_depth(file: Local) -> None:
    """Raise BadInput for a record that is nested so deeply that DuckDB's recursion would end the process."""
    if file.path.stat().st_size <= LONG_JSON:
        return
    if file.path.name.endswith(".json") and file.path.stat().st_size <= LONGEST_RECORD:
        # A value may go over many lines.
        _check_nesting(file.path.read_bytes(), file.where)
        return
    try:
        for number, line in text_files.lines(file.path, file.where, LONGEST_RECORD):
            if len(line) > LONG_JSON:
                _check_nesting(line, f"{file.where}, line {number}")
    except text_files.TORN as torn:
        raise BadInput(f"{file.where}: not a whole file ({fault(torn)})") from None


def _check_nesting(content: bytes, where: str) -> None:
    if content.count(b"[") + content.count(b"{") <= DEEPEST:
        return
    depth = 0
    for found in BRACKET.finditer(TEXTS.sub(b"", content)):
        depth += 1 if found.group() in b"[{" else -1
        if depth > DEEPEST:
            raise BadInput(f"{where}: nested more than {DEEPEST:,} deep, as no record is")


def json_files(files: Sequence[Local]) -> tuple[str, str]:
    """SQL: the list of JSON files that are alike, and how DuckDB has to read them."""
    layout = "newline_delimited" if files[0].path.name.endswith(LINES) else "unstructured"
    listed = ", ".join(literal(str(file.path)) for file in files)
    return f"[{listed}]", f"format = '{layout}', maximum_object_size = {LONGEST_RECORD}"


def unpacked(records: str, kind: Format) -> str:
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


def _from_csv(kind: Format, file: Local) -> str:
    names = csv_header(file.path, file.where)
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

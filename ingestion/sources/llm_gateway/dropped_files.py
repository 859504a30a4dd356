"""Counting what was dropped, of files: DuckDB counts the shapes of fields, and only these are judged.

The records are read a second time for it, and nothing of their text leaves the statement: of a field it hands on how it
is built (names and kinds), never its content.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from ingestion.errors import BadInput
from ingestion.lake.faults import fault
from ingestion.lake.text_files import csv_header
from ingestion.lake.vendor_files import csv_relation, engine, literal, may_be_deep, parquet_schema, quoted
from ingestion.scratch import scratch
from ingestion.sources.llm_gateway.dropped import MARKERS, PROMPT_PATHS, Dropped, holds
from ingestion.sources.llm_gateway.relations import LINES, Local, alike, json_files
from ingestion.sources.llm_gateway.unread import KNOWN, unread_of_files

# An empty value in the place of another counts as none: DuckDB's structure of a field would not distinguish it from words.
EMPTY = r"([:\[,]\s*)(\"\s*\"|\{\s*\}|\[\s*\])"
# OTLP keeps attributes as a list of keys and values, of spans and of their events.
SPANS = "resourceSpans"
ATTRIBUTES = (
    "$[*].scopeSpans[*].spans[*].attributes[*]",
    "$[*].scopeSpans[*].spans[*].events[*].attributes[*]",
)
# What of a record is looked at: nothing else of it is taken out of the file, and each is read by itself.
LOOKED_AT = tuple(dict.fromkeys((*(path[0] for path in PROMPT_PATHS), *(path[0] for path in KNOWN), SPANS)))
OF_ATTRIBUTES = tuple(path[1] for path in PROMPT_PATHS if path[0] == "attributes")


def count(slices: Sequence[tuple[str, date, Sequence[Local]]]) -> list[list[dict[str, Any]]]:
    """Rows of `dropped_fields` for each of some slices: its format's name, UTC day and files.

    The files have been read before: what is no record there is not counted here.
    """
    found = [Dropped() for _ in slices]
    of_file = {str(file.path): number for number, (_, _, files) in enumerate(slices) for file in files}
    with scratch("llm") as folder, engine(folder) as connection:
        groups = alike([file for _, _, files in slices for file in files])
        for shapes, unread in (looked for group in groups for looked in _looked_at(connection, group)):
            for name, field, is_redacted, kind, structure, records in shapes:
                if holds(_sample(kind, structure)):
                    number = of_file[name]
                    system, day, _ = slices[number]
                    found[number].add(system, field, day, records, records if is_redacted else 0)
            for name, field, records in unread:
                system, day, _ = slices[of_file[name]]
                found[of_file[name]].add_unread(system, field, day, records)
    return [dropped.rows() for dropped in found]


def _looked_at(
    connection: duckdb.DuckDBPyConnection, group: list[Local]
) -> Iterator[tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
    """The shapes of fields of files that are alike, and the counts in them that are not read."""
    relation = _relation(group)
    try:
        shapes = connection.execute(_shapes(relation)).fetchall()
        yield shapes, connection.execute(unread_of_files(relation, quoted(SPANS), ATTRIBUTES[:1])).fetchall()
    except duckdb.Error as error:
        half = len(group) // 2
        if half:
            yield from _looked_at(connection, group[:half])
            yield from _looked_at(connection, group[half:])
        elif not group[0].path.name.endswith(".json"):
            raise BadInput(f"{group[0].where}: what holds words can't be counted ({fault(error)})") from None


def _relation(group: list[Local]) -> str:
    """SQL that gives what is looked at of the records of files, each a column of JSON, with the file's name."""
    if not group[0].path.name.endswith((*LINES, ".json")):
        return _of_table(group[0])
    listed, options = json_files(group)
    options += ", ignore_errors = true" if group[0].path.name.endswith(LINES) else ""
    columns = ", ".join(f"{literal(name)}: 'JSON'" for name in LOOKED_AT)
    return f"select * from read_json({listed}, columns = {{{columns}}}, {options}, filename = true)"


def _of_table(file: Local) -> str:
    if file.path.name.endswith(".parquet"):
        names, relation = parquet_schema(file.path, file.where).names, f"read_parquet({literal(str(file.path))})"
    else:
        names = csv_header(file.path, file.where)
        relation = csv_relation(file.path, names)
    fields = ", ".join(
        f"{f'to_json({quoted(name)})' if name in names else 'cast(null as json)'} as {quoted(name)}"
        for name in LOOKED_AT
    )
    return f"select {literal(str(file.path))} as filename, {fields} from {relation}"


def _fields(relation: str) -> str:
    """SQL: the fields of records that may hold words, each a column by its path; what is deeper is read at once."""
    objects, fields = [], []
    for name in LOOKED_AT:
        deeper = [path for path in PROMPT_PATHS if path[0] == name and len(path) > 1]
        if (name,) in PROMPT_PATHS:
            fields.append(quoted(name))
        if deeper:
            inner = quoted(f"in {name}")
            paths = ", ".join(literal("$" + "".join(f'."{step}"' for step in path[1:])) for path in deeper)
            objects.append(f"json_extract({_object(name)}, [{paths}]) as {inner}")
            fields += [
                f"{inner}[{place}] as {quoted('.'.join(path))}" for place, path in enumerate(deeper, start=1)
            ]
    return f"select filename, {', '.join(fields)} from (select *, {', '.join(objects)} from {relation})"


def _object(name: str) -> str:
    """SQL: a field that is an object. LiteLLM's table keeps `metadata` as text: it is read as the JSON that it holds."""
    if name != "metadata":
        return quoted(name)
    return "case json_type(metadata) when 'OBJECT' then metadata else try_cast(metadata ->> '$' as json) end"


def _shapes(relation: str) -> str:
    """SQL: how fields that may hold words are built, by file and field, with the number of records."""
    attributes = ", ".join(f"json_extract({quoted(SPANS)}, {literal(path)})" for path in ATTRIBUTES)
    wanted = ", ".join(literal(name) for name in OF_ATTRIBUTES)
    marked = " or ".join(f"contains(content, {literal(marker)})" for marker in MARKERS)
    return f"""
        with records as ({relation}),
        attributes as (
            select
                filename,
                unnest(
                    list_filter(list_concat({attributes}), lambda attribute: (attribute ->> '$.key') in ({wanted}))
                ) as attribute
            from records
            where {quoted(SPANS)} is not null
        ),
        each_one as (
            unpivot ({_fields("records")})
            on columns(* exclude (filename)) into name field value value
            union all
            select filename, 'attributes.' || (attribute ->> '$.key'), attribute -> '$.value' from attributes
        ),
        words as (
            select filename, field, value, cast(value as varchar) as content
            from each_one
            where json_type(value) in ('VARCHAR', 'OBJECT', 'ARRAY') and cast(value as varchar) not in ('{{}}', '[]')
        )
        select
            filename,
            field,
            {marked} as is_redacted,
            json_type(value) as kind,
            case
                -- So many brackets are not built for their structure: they hold words.
                when {may_be_deep("content")}
                then '"VARCHAR"'
                when json_type(value) <> 'VARCHAR'
                then cast(json_structure(cast(regexp_replace(content, '{EMPTY}', '\\1null', 'g') as json)) as varchar)
                when trim(value ->> '$') in ('', '{{}}', '[]', 'null')
                then ''
                else 'VARCHAR'
            end as structure,
            count(*)
        from words
        group by all
    """


def _sample(kind: str, structure: str) -> Any:
    """A value that is built so: a word where there is text."""
    return structure if kind == "VARCHAR" else _of_structure(json.loads(structure))


def _of_structure(structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return {name: _of_structure(inner) for name, inner in structure.items()}
    if isinstance(structure, list):
        return [_of_structure(inner) for inner in structure]
    return "a word" if structure in ("VARCHAR", "JSON") else None

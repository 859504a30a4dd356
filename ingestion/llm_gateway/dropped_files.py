"""Counting what was dropped, of files: DuckDB tells which shapes of fields there are and how often, and only these are judged.

The records are read a second time for it, and nothing of their text leaves the statement: of a field it hands on how it
is built (names and kinds), never what it says.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ingestion.llm_gateway.columnar import LINES, Local, alike, header, json_files
from ingestion.llm_gateway.dropped import DOCUMENT_FIELDS, MARKERS, PROMPT_PATHS, Dropped, holds
from ingestion.vendor_files import csv_relation, engine, literal, quoted

# An empty value in the place of another counts as none: DuckDB's structure of a field would not tell it from words.
EMPTY = r"([:\[,]\s*)(\"\s*\"|\{\s*\}|\[\s*\])"
# OTLP keeps attributes as a list of keys and values, of spans and of their events.
ATTRIBUTES = (
    "$.resourceSpans[*].scopeSpans[*].spans[*].attributes[*]",
    "$.resourceSpans[*].scopeSpans[*].spans[*].events[*].attributes[*]",
)
OF_ATTRIBUTES = tuple(path[1] for path in PROMPT_PATHS if path[0] == "attributes")


def count(slices: Sequence[tuple[str, date, Sequence[Local]]]) -> list[list[dict[str, Any]]]:
    """Rows of `dropped_fields` for each of some slices: its format's name, UTC day and files.

    The files hold records: they have been read as such before.
    """
    found = [Dropped() for _ in slices]
    of_file = {str(file.path): number for number, (_, _, files) in enumerate(slices) for file in files}
    with tempfile.TemporaryDirectory(prefix="costowner-llm-") as folder, engine(Path(folder)) as connection:
        for relation in _relations([file for _, _, files in slices for file in files]):
            for name, field, is_redacted, kind, structure, records in connection.execute(
                _shapes(relation)
            ).fetchall():
                if holds(_sample(kind, structure)):
                    number = of_file[name]
                    system, day, _ = slices[number]
                    found[number].add(system, field, day, records, records if is_redacted else 0)
    return [dropped.rows() for dropped in found]


def _relations(files: Sequence[Local]) -> Iterator[str]:
    """SQL that gives the records of files as JSON, with the file's name."""
    for group in alike(files):
        if group[0].path.name.endswith((*LINES, ".json")):
            listed, options = json_files(group)
            yield f"select filename, json as record from read_json_objects({listed}, {options}, filename = true)"
        else:
            yield _of_table(group[0])


def _of_table(file: Local) -> str:
    if file.path.name.endswith(".parquet"):
        names, relation = pq.read_schema(file.path).names, f"read_parquet({literal(str(file.path))})"
    else:
        names = header(file.path)
        relation = csv_relation(file.path, names)
    kept = [name for name in (*DOCUMENT_FIELDS, "metadata", "model_parameters") if name in names]
    fields = ", ".join(f"{literal(name)}, {quoted(name)}" for name in kept)
    return f"select {literal(str(file.path))} as filename, json_object({fields}) as record from {relation}"


def _path(steps: Sequence[str]) -> str:
    return "$" + "".join(f'."{step}"' for step in steps)


def _shapes(relation: str) -> str:
    """SQL: how fields that may hold words are built, by file and field, with the number of records.

    LiteLLM's table keeps `metadata` as text: it is taken out as text whatever it is, and read again.
    """
    plain = [path for path in PROMPT_PATHS if path[0] != "metadata"]
    nested = [path for path in PROMPT_PATHS if path[0] == "metadata"]
    paths, inner = ([literal(_path(path)) for path in plain], [literal(_path(path[1:])) for path in nested])
    names = [literal(".".join(path)) for path in (*plain, *nested)]
    attributes = ", ".join(f"json_extract(record, {literal(path)})" for path in ATTRIBUTES)
    wanted = ", ".join(literal(name) for name in OF_ATTRIBUTES)
    marked = " or ".join(f"contains(said, {literal(marker)})" for marker in MARKERS)
    return f"""
        with records as ({relation}),
        told as (
            select
                filename,
                list_concat(
                    json_extract(record, [{", ".join(paths)}]),
                    json_extract(
                        case when json_valid(record ->> '$.metadata') then cast(record ->> '$.metadata' as json) end,
                        [{", ".join(inner)}]
                    )
                ) as found,
                list_filter(list_concat({attributes}), lambda told: (told ->> '$.key') in ({wanted})) as attributes
            from records
        ),
        each_one as (
            select filename, unnest([{", ".join(names)}]) as field, unnest(found) as value from told
            union all
            select filename, 'attributes.' || (attribute ->> '$.key'), attribute -> '$.value'
            from (select filename, unnest(attributes) as attribute from told)
        ),
        words as (
            select filename, field, value, cast(value as varchar) as said
            from each_one
            where json_type(value) in ('VARCHAR', 'OBJECT', 'ARRAY') and cast(value as varchar) not in ('{{}}', '[]')
        )
        select
            filename,
            field,
            {marked} as is_redacted,
            json_type(value) as kind,
            case
                when json_type(value) <> 'VARCHAR'
                then cast(json_structure(cast(regexp_replace(said, '{EMPTY}', '\\1null', 'g') as json)) as varchar)
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

"""Counts of a request that no column takes: a new name of an SDK, or a kind of token without a price.

They are counted by name, a number a source, name and day, so that the data team learns that usage is written which
nobody reads. A count of nothing is none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ingestion.lake.vendor_files import literal
from ingestion.sources.llm_gateway.formats import usage_names as names

# Where records keep their counts, and the names that are read there.
USAGE_OBJECT = ("metadata", "usage_object")
USAGE_DETAILS = ("usage_details",)
KNOWN = {
    USAGE_OBJECT: frozenset(path.replace("/", ".") for listed in names.LITELLM.values() for path in listed),
    USAGE_DETAILS: frozenset(name for listed in names.LANGFUSE.values() for name in listed),
}
KNOWN_ATTRIBUTES = frozenset(name for listed in names.OTEL.values() for name in listed)
# A name is a word of a writer's code; anything else is counted without it.
NAME = "^[A-Za-z][A-Za-z0-9_.-]{0,79}$"
OTHER = "(no name)"
# Characters of a usage object. The time that a deeply nested one takes grows with the square of its depth.
LONGEST_USAGE = 10_000


def unread_usage(record: Mapping[str, Any]) -> Iterator[str]:
    """The paths of a record's counts that are not read (LiteLLM's table, whose `metadata` may be text)."""
    metadata = record.get("metadata")
    if isinstance(metadata, str):
        try:
            metadata = json.loads(metadata)
        except (RecursionError, ValueError):
            return
    usage = metadata.get("usage_object") if isinstance(metadata, Mapping) else None
    for name, value in _leaves(usage):
        if value and name not in KNOWN[USAGE_OBJECT] | names.REPEATED:
            yield f"metadata.usage_object.{name}"


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def unread_of_files(relation: str, spans: str, attributes: tuple[str, ...]) -> str:
    """SQL: the names of counts in a relation's records that are not read, by file, with the number of records."""
    of_objects = " union all ".join(_of_object(path) for path in KNOWN)
    listed = ", ".join(f"json_extract({spans}, {literal(path)})" for path in attributes)
    starts = " or ".join(
        f"starts_with(attribute ->> '$.key', {literal(prefix)})" for prefix in names.OTEL_PREFIXES
    )
    value = " , ".join(f"attribute ->> '$.value.{kind}'" for kind in ("intValue", "doubleValue"))
    # Only what has counts: a relation's other fields hold words, which are long.
    fields = ", ".join(("filename", *dict.fromkeys(path[0] for path in KNOWN), spans))
    return f"""
        with records as materialized (select {fields} from ({relation})),
        attributes as (
            select filename, unnest(list_concat({listed})) as attribute from records where {spans} is not null
        ),
        counts as (
            {of_objects}
            union all
            select filename, 'attributes.', attribute ->> '$.key', coalesce({value})
            from attributes
            where {starts}
        )
        select
            filename,
            place || case when regexp_full_match(name, {literal(NAME)}) then name else {literal(OTHER)} end as field,
            count(*)
        from counts
        where try_cast(written as double) <> 0 and not isnan(try_cast(written as double))
            and name not in ({_listed(KNOWN_ATTRIBUTES | names.REPEATED)})
        group by all
    """


def _of_object(path: tuple[str, ...]) -> str:
    first, *deeper = path
    whole = f"case json_type({first}) when 'VARCHAR' then try_cast({first} ->> '$' as json) else {first} end"
    place = "$" + "".join(f".{step}" for step in deeper)
    return f"""
        select filename, {literal(".".join(path) + ".")} as place, substr(leaf.fullkey, 3) as name,
            cast(leaf.atom as varchar) as written
        from (
            select filename, case when length(cast(given as varchar)) <= {LONGEST_USAGE} then given end as usage
            from (select filename, json_extract({whole}, {literal(place)}) as given from records)
        ) as found, json_tree(usage) as leaf
        where json_type(usage) = 'OBJECT' and leaf.type in ('BIGINT', 'UBIGINT', 'DOUBLE', 'HUGEINT')
            and substr(leaf.fullkey, 3) not in ({_listed(KNOWN[path])})"""


def _listed(some: frozenset[str]) -> str:
    return ", ".join(literal(name) for name in sorted(some))

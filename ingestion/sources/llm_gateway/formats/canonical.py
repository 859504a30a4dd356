"""The canonical contract: records that speak in the columns of `llm_requests` already (files, or a collection)."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa

from ingestion.sources.llm_gateway.formats.base import (
    ACTOR_TOKEN,
    Declared,
    Format,
    instant,
    is_true,
    json_or_null,
    no_id_is_none,
    own_tags,
    person,
    texts,
)
from ingestion.sources.llm_gateway.formats.usage import SETTLED, Usage
from ingestion.sources.llm_gateway.formats.usage_names import CANONICAL as NAMES
from ingestion.sources.llm_gateway.shape import LLM_REQUESTS

# What only a verified token may state, and what the counts themselves show.
PROVEN = frozenset(
    {
        *(name for name in LLM_REQUESTS.names if name.startswith("actor_")),
        *("usage_status", "unexplained_tokens", "is_provider_inferred"),
    }
)
FIELDS: dict[str, Declared] = texts(
    *(column.name for column in LLM_REQUESTS.columns if column.name not in PROVEN), "_id", ACTOR_TOKEN
)


def _column(name: str, kind: pa.DataType) -> str:
    if pa.types.is_timestamp(kind):
        return instant(name)
    if pa.types.is_boolean(kind):
        return f"case when {name} is not null then {is_true(name)} end"
    if pa.types.is_integer(kind):
        # A store without whole numbers writes 100.0.
        return f"cast(nullif({name}, '') as decimal(38, 0))"
    return f"nullif({name}, '')"


_ID = no_id_is_none("request_id")

CANONICAL = Format(
    name="canonical",
    fields=FIELDS,
    prepared=f"""
        select
            *,
            case
                when coalesce({_ID}, nullif(_id, '')) is null or nullif(started_at, '') is null
                then error('a document needs request_id (or _id) and started_at')
                else coalesce({_ID}, _id)
            end as own_id
        from records""",
    columns={
        **{
            column.name: _column(column.name, column.type)
            for column in LLM_REQUESTS.columns
            if column.name not in PROVEN
        },
        **SETTLED,
        "request_id": "own_id",
        "source_system": "coalesce(nullif(source_system, ''), 'canonical')",
        # A record with an error and without a status is of a failure.
        "status": "coalesce(nullif(status, ''), case when coalesce(nullif(error_code, ''), nullif(error_class, '')) "
        "is not null then 'failure' end)",
        "gateway_cache_hit": is_true("gateway_cache_hit"),
        "usage_source": "coalesce(nullif(usage_source, ''), "
        "case when used_input is null then 'missing' else 'provider' end)",
        "reported_cost_currency": "coalesce(nullif(reported_cost_currency, ''), 'USD')",
        "user_id": person("user_id"),
        "end_user_id": person("end_user_id"),
        "tags": own_tags("tags"),
        "key_attributes": json_or_null("key_attributes"),
    },
    usage=Usage({count: f"cast(nullif({name}, '') as decimal(38, 0))" for count, (name,) in NAMES.items()}),
    token=ACTOR_TOKEN,
    suffixes=(".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet"),
)

MONGODB = replace(CANONICAL, name="mongodb", columns={**CANONICAL.columns, "source_system": "'mongodb'"})

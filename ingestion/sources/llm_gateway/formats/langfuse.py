"""Langfuse's blob export, table `observations_v2`: observations that are calls of a model.

`usage_details.input` is fresh input only; cached tokens are counted beside it. Input, output and messages of the status
are never declared.
"""

from __future__ import annotations

from ingestion.sources.llm_gateway.formats.base import (
    ACTOR_TOKEN,
    Declared,
    Format,
    caller_attributes,
    instant,
    milliseconds,
    own_tags,
    person,
    served,
    texts,
)
from ingestion.sources.llm_gateway.formats.usage import PARTS, SETTLED, Usage, count_of, most
from ingestion.sources.llm_gateway.formats.usage_names import LANGFUSE as NAMES

FIELDS: dict[str, Declared] = {
    **texts("id", "trace_id", "parent_observation_id", "project_id", "environment", "type", "name", "level"),
    **texts("start_time", "end_time", "completion_start_time", "provided_model_name", "model_id", "total_cost"),
    **texts("user_id", "session_id", "trace_name", "tags"),
    "usage_details": "JSON",
    "metadata": "JSON",
}


def _count(count: str) -> str:
    keys = [f"(usage_details ->> '{name}')" for name in NAMES[count]]
    return count_of(f"coalesce({', '.join(keys)})") if count == "written_5m" else most(*keys)


# LiteLLM's integration names an observation `time-HH-MM-SS-ffffff_<id of the response>`.
_RESPONSE = r"nullif(regexp_extract(id, '^time-[0-9-]+_(.+)$', 1), '')"

# LiteLLM's integration keeps what it deployed beside the name that it was asked by.
_DEPLOYED = "(metadata -> 'hidden_params' ->> 'litellm_model_name')"

# The tier as served: of an integration's own words, of LangChain's response, of LiteLLM's cost.
_TIERS = (
    "metadata ->> 'service_tier'",
    "metadata -> 'response_metadata' ->> 'service_tier'",
    "metadata -> 'cost_breakdown' ->> 'service_tier'",
)

LANGFUSE = Format(
    name="langfuse",
    fields=FIELDS,
    prepared=f"""
        select
            *,
            case
                when nullif(id, '') is null or nullif(start_time, '') is null
                then error('no Langfuse observation, it has no id or no start_time')
                else id
            end as own_id,
            {instant("start_time")} as started,
            {instant("end_time")} as ended
        from records""",
    where="type in ('GENERATION', 'EMBEDDING')",
    columns={
        "source_system": "'langfuse'",
        "request_id": "own_id",
        "call_id": "nullif(trace_id, '')",
        "trace_id": "nullif(trace_id, '')",
        "session_id": "nullif(session_id, '')",
        "parent_request_id": "nullif(parent_observation_id, '')",
        "provider_request_id": f"coalesce(metadata ->> 'response_id', metadata ->> 'provider_request_id', {_RESPONSE})",
        "started_at": "started",
        "ended_at": "ended",
        "first_token_at": instant("completion_start_time"),
        "latency_ms": milliseconds("started", "ended"),
        "operation": "case type when 'EMBEDDING' then 'embeddings' else 'chat' end",
        "provider": "coalesce(metadata ->> 'provider', metadata ->> 'ls_provider')",
        "request_model": "provided_model_name",
        "response_model": served("provided_model_name", ("(metadata ->> 'model_group')",), (_DEPLOYED,)),
        "service_tier": f"coalesce({', '.join(_TIERS)})",
        "status": "case when upper(level) = 'ERROR' then 'failure' else 'success' end",
        **SETTLED,
        "gateway_cache_hit": "lower(coalesce(metadata ->> 'cache_hit', 'false')) = 'true'",
        "reported_cost": "nullif(total_cost, '')",
        "reported_cost_currency": "'USD'",
        "user_id": person("user_id"),
        "project_id": "project_id",
        **caller_attributes("metadata", "tags"),
        "environment": "nullif(environment, '')",
        "tags": own_tags("tags"),
    },
    # Parts of the input and output are counted beside them; the whole is their sum.
    usage=Usage(
        {count: _count(count) for count in NAMES},
        beside=frozenset(PARTS),
        switches=tuple(tuple(part for part in PARTS if PARTS[part] == whole) for whole in ("input", "output")),
    ),
    token=f"metadata ->> '{ACTOR_TOKEN}'",
    suffixes=(".json", ".jsonl", ".json.gz", ".jsonl.gz", ".csv", ".csv.gz", ".parquet"),
)

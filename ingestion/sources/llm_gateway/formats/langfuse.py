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

FIELDS: dict[str, Declared] = {
    **texts("id", "trace_id", "parent_observation_id", "project_id", "environment", "type", "name", "level"),
    **texts("start_time", "end_time", "completion_start_time", "provided_model_name", "model_id", "total_cost"),
    **texts("user_id", "session_id", "trace_name", "tags"),
    "usage_details": "JSON",
    "metadata": "JSON",
}


def _count(*names: str) -> str:
    """SQL: the first of several keys of the usage that is there, as a whole number."""
    listed = ", ".join(f"(usage_details ->> '{name}')" for name in names)
    return f"cast(coalesce({listed}) as bigint)"


# Keys that SDKs and integrations write beside `input`.
_READ = ("input_cached_tokens", "cache_read_input_tokens", "input_cache_read")
_WRITE_5M = ("input_cache_creation_5m", "cache_creation_input_tokens", "input_cache_creation", "input_cache_write")
_WRITE_1H = ("input_cache_creation_1h",)
# LiteLLM's integration names an observation `time-HH-MM-SS-ffffff_<id of the response>`.
_RESPONSE = r"nullif(regexp_extract(id, '^time-[0-9-]+_(.+)$', 1), '')"

# LiteLLM's integration keeps what it deployed beside the name that it was asked by.
_DEPLOYED = "(metadata -> 'hidden_params' ->> 'litellm_model_name')"

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
            {instant("end_time")} as ended,
            {_count("input")} as fresh,
            {_count(*_READ)} as cached,
            {_count(*_WRITE_5M)} as written,
            {_count(*_WRITE_1H)} as written_1h,
            {_count("output")} as made,
            {_count("output_reasoning_tokens", "output_reasoning")} as reasoned,
            {_count("input_audio_tokens", "input_audio")} as heard,
            {_count("output_audio_tokens", "output_audio")} as spoken
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
        "status": "case when upper(level) = 'ERROR' then 'failure' else 'success' end",
        # Parts of the input and output are counted beside them; the whole is their sum.
        "input_tokens": "fresh + coalesce(cached, 0) + coalesce(written, 0) + coalesce(written_1h, 0) + coalesce(heard, 0)",
        "input_uncached_tokens": "fresh + coalesce(heard, 0)",
        "cache_read_tokens": "case when fresh is not null then coalesce(cached, 0) end",
        "cache_write_5m_tokens": "case when fresh is not null then coalesce(written, 0) end",
        "cache_write_1h_tokens": "case when fresh is not null then coalesce(written_1h, 0) end",
        "output_tokens": "made + coalesce(reasoned, 0) + coalesce(spoken, 0)",
        "reasoning_tokens": "reasoned",
        "input_audio_tokens": "heard",
        "output_audio_tokens": "spoken",
        "total_tokens": "fresh + coalesce(cached, 0) + coalesce(written, 0) + coalesce(written_1h, 0) "
        "+ coalesce(heard, 0) + made + coalesce(reasoned, 0) + coalesce(spoken, 0)",
        "usage_source": "case when fresh is null and made is null then 'missing' else 'provider' end",
        "gateway_cache_hit": "lower(coalesce(metadata ->> 'cache_hit', 'false')) = 'true'",
        "reported_cost": "nullif(total_cost, '')",
        "reported_cost_currency": "'USD'",
        "user_id": person("user_id"),
        "project_id": "project_id",
        **caller_attributes("metadata"),
        "environment": "nullif(environment, '')",
        "tags": own_tags("tags"),
    },
    token=f"metadata ->> '{ACTOR_TOKEN}'",
    suffixes=(".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet"),
)

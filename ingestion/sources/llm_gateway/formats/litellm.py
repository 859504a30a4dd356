"""LiteLLM: the StandardLoggingPayload of its object logs, and rows of LiteLLM_SpendLogs.

In both, prompt tokens include what was read from and written to the provider's cache.
"""

from __future__ import annotations

from dataclasses import replace

from ingestion.lake.vendor_files import literal
from ingestion.sources.llm_gateway.formats.base import (
    ACTOR_TOKEN,
    TEXT,
    Declared,
    Format,
    caller_attributes,
    instant,
    is_true,
    milliseconds,
    own_tags,
    person,
    served,
    structure,
    texts,
    unmistakable,
)
from ingestion.sources.llm_gateway.formats.usage import SETTLED, Usage, count_of, most
from ingestion.sources.llm_gateway.formats.usage_names import LITELLM as NAMES


def _declared(paths: list[tuple[str, ...]]) -> dict[str, Declared]:
    """The fields at the ends of some paths, as they are nested."""
    return {
        first: _declared([path[1:] for path in paths if path[0] == first and len(path) > 1]) or TEXT
        for first in dict.fromkeys(path[0] for path in paths)
    }


USAGE: dict[str, Declared] = {
    **_declared([tuple(path.split("/")) for paths in NAMES.values() for path in paths]),
    # Where Claude ran, and in which mode (Anthropic's `usage.inference_geo` and `usage.speed`).
    **texts("inference_geo", "service_tier", "speed"),
}
COST: dict[str, Declared] = {**texts("service_tier", "vertex_location", "data_residency")}
METADATA: dict[str, Declared] = {
    **texts(
        "user_api_key_hash",
        "user_api_key",
        "user_api_key_alias",
        "user_api_key_user_id",
        "user_api_key_team_id",
        "user_api_key_team_alias",
        "user_api_key_org_id",
        "user_api_key_project_id",
        "litellm_call_id",
        "attempted_retries",
        "attempted_fallbacks",
        "original_model_group",
        "litellm_overhead_time_ms",
        "parent_request_id",
    ),
    "batch_models": "JSON",
    "spend_logs_metadata": "JSON",
    "user_api_key_auth_metadata": "JSON",
    "error_information": texts("error_code", "error_class"),
    "model_map_information": texts("model_map_key"),
    "cost_breakdown": COST,
    "usage_object": USAGE,
}
COMMON: dict[str, Declared] = {
    **texts("litellm_call_id", "trace_id", "session_id", "call_type", "cache_hit", "stream", "status"),
    **texts("custom_llm_provider", "startTime", "endTime", "completionStartTime", "model", "model_group"),
    **texts("model_id", "prompt_tokens", "completion_tokens", "total_tokens", "end_user", "saved_cache_cost"),
    **texts("request_tags"),
    "metadata": METADATA,
}
PAYLOAD: dict[str, Declared] = {
    **COMMON,
    **texts("id", "response_cost"),
    "error_information": texts("error_code", "error_class"),
    "cost_breakdown": COST,
    "response": texts("model"),
    "model_map_information": texts("model_map_key"),
    "hidden_params": {
        **texts("litellm_overhead_time_ms", "litellm_model_name"),
        "batch_models": "JSON",
        "additional_headers": texts(
            "llm_provider-x-request-id",
            "llm_provider-request-id",
            "llm_provider-x-amzn-requestid",
            "request-id",
            "x-litellm-attempted-retries",
            "x-litellm-attempted-fallbacks",
            "x-litellm-original-model-group",
        ),
    },
}
SPEND_LOG: dict[str, Declared] = {
    **COMMON,
    **texts("request_id", "spend", "api_key", "user", "team_id", "organization_id"),
    # The database's exports have it as JSON in a text, the API as an object: it is text first.
    **texts("metadata"),
}
_UNPACKED = (
    "(select * replace (json_transform(case when json_valid(metadata) then cast(metadata as json) end, "
    f"{literal(structure(METADATA))}) as metadata) from records) as records"
)

# The calls by which LiteLLM learns what a batch has cost.
BATCH_CALLS = ("aretrieve_batch", "retrieve_batch")

# The fields that distinguish records without an id.
IDENTIFYING = (
    *("litellm_call_id", "startTime", "endTime", "model", "status", "prompt_tokens", "completion_tokens"),
    "cast(metadata as varchar)",
)

_HEADER = 'hidden_params.additional_headers."{}"'


def _prepared(identifier: str, error: str, retries: str, fallbacks: str, records: str = "records") -> str:
    return f"""
        select
            *,
            case
                when {identifier} is null and nullif(startTime, '') is null then error('no LiteLLM record, it has no id')
                when nullif(startTime, '') is null then error('no LiteLLM record, it has no startTime')
                else {unmistakable(identifier, *IDENTIFYING)}
            end as attempt_id,
            {instant("startTime")} as started,
            {instant("endTime")} as ended,
            {error} as failure,
            cast({retries} as bigint) as retries,
            cast({fallbacks} as bigint) as fallbacks,
            {_whole("input", "prompt_tokens")} as tokens_in,
            {_whole("output", "completion_tokens")} as tokens_out,
            -- Nothing in and nothing out is a stream that was cut off, or a failure: nothing was counted.
            coalesce(tokens_in, 0) = 0 and coalesce(tokens_out, 0) = 0 as is_unmetered
        from {records}"""


_USAGE = "metadata.usage_object"


def _counts(count: str) -> list[str]:
    """SQL: a count by each of its names, as text."""
    return [f"{_USAGE}.{path.replace('/', '.')}" for path in NAMES[count]]


def _whole(count: str, own: str) -> str:
    """SQL: OpenAI's name, the record's own count, then the other names (Anthropic's `input_tokens` is of fresh input)."""
    first, *others = _counts(count)
    return count_of(f"coalesce({', '.join([first, own, *others])})")


def _metered(value: str) -> str:
    return f"case when not is_unmetered then {value} end"


# Prompt tokens include cached ones, completion tokens reasoning.
_COUNTED = Usage(
    {
        **{count: _metered(most(*_counts(count))) for count in NAMES},
        "input": _metered("tokens_in"),
        "output": _metered("tokens_out"),
        "total": count_of(f"coalesce({', '.join([*_counts('total'), 'total_tokens'])})"),
    }
)
_SHARED = {
    "request_id": "attempt_id",
    "trace_id": "nullif(trace_id, '')",
    "session_id": "nullif(session_id, '')",
    "call_id": "nullif(coalesce(nullif(litellm_call_id, ''), metadata.litellm_call_id), '')",
    "parent_request_id": "metadata.parent_request_id",
    "attempted_retries": "retries",
    "attempted_fallbacks": "fallbacks",
    # The first record of a call has no retry; the one that answers has the count.
    "attempt_number": "retries + 1",
    "started_at": "started",
    "ended_at": "ended",
    "first_token_at": instant("completionStartTime"),
    "latency_ms": milliseconds("started", "ended"),
    "operation": "call_type",
    "provider": "nullif(custom_llm_provider, '')",
    "request_model": "model",
    "model_group": "model_group",
    "deployment_id": "model_id",
    "is_stream": f"case when stream is not null then {is_true('stream')} end",
    "error_code": "nullif(failure.error_code, '')",
    "error_class": "nullif(failure.error_class, '')",
    "fallback_from": "case when fallbacks > 0 then metadata.original_model_group end",
    **SETTLED,
    "web_search_count": most(*_counts("searched")),
    "gateway_cache_hit": is_true("cache_hit"),
    "reported_cost_currency": "'USD'",
    "saved_cost": "saved_cache_cost",
    "key_alias": "metadata.user_api_key_alias",
    "end_user_id": person("end_user"),
    "team_alias": "metadata.user_api_key_team_alias",
    "project_id": "metadata.user_api_key_project_id",
    "key_attributes": "nullif(nullif(cast(metadata.user_api_key_auth_metadata as varchar), '{}'), 'null')",
    "tags": own_tags("request_tags"),
    **caller_attributes("metadata.spend_logs_metadata", "request_tags"),
}
# The proxy writes the name that the client asked by into the response (LiteLLM's issue 22709): the model group's, or
# that of the group before a fallback.
_ALIASES = ("model_group", "metadata.original_model_group")


def _base_model(information: str) -> str:
    """SQL: the model of an Azure deployment, whose own name is the customer's: what LiteLLM looks its price up by."""
    return f"case when custom_llm_provider like 'azure%' then {information}.model_map_key end"


_BATCH = f"coalesce(call_type in {BATCH_CALLS}, false)"


def _place(cost: str) -> str:
    """SQL: where it ran: the cloud's location, the provider's region of processing, Anthropic's place of inference."""
    anywhere = "'', 'global', 'not_available'"
    geo = f"case when lower({_USAGE}.inference_geo) not in ({anywhere}) then {_USAGE}.inference_geo end"
    return f"coalesce({cost}.vertex_location, {cost}.data_residency, {geo})"


def _tier(batch: str, cost: str) -> str:
    """SQL: the tier as served: as LiteLLM priced it, else as the provider's usage has it."""
    return (
        f"case when {batch} then 'batch' when lower({_USAGE}.speed) = 'fast' then 'fast' "
        f"else coalesce({cost}.service_tier, {_USAGE}.service_tier) end"
    )


def _is_batch(models: str) -> str:
    return f"({_BATCH} or coalesce(json_array_length(case when json_type({models}) = 'ARRAY' then {models} end), 0) > 0)"


LITELLM = Format(
    name="litellm",
    fields=PAYLOAD,
    prepared=_prepared(
        "id",
        "error_information",
        f"coalesce({_HEADER.format('x-litellm-attempted-retries')}, metadata.attempted_retries)",
        f"coalesce({_HEADER.format('x-litellm-attempted-fallbacks')}, metadata.attempted_fallbacks)",
    ),
    columns={
        **_SHARED,
        "source_system": "'litellm'",
        "provider_request_id": "coalesce("
        + ", ".join(
            f"nullif({_HEADER.format(name)}, '')"
            for name in (
                "llm_provider-x-request-id",
                "request-id",
                "llm_provider-request-id",
                "llm_provider-x-amzn-requestid",
            )
        )
        + ")",
        "fallback_from": "case when fallbacks > 0 then coalesce("
        f"metadata.original_model_group, {_HEADER.format('x-litellm-original-model-group')}) end",
        "gateway_overhead_ms": "hidden_params.litellm_overhead_time_ms",
        "response_model": served(
            "response.model",
            (*_ALIASES, _HEADER.format("x-litellm-original-model-group")),
            (_base_model("model_map_information"), "hidden_params.litellm_model_name", "model"),
        ),
        "region": _place("cost_breakdown"),
        "is_batch": _is_batch("coalesce(metadata.batch_models, hidden_params.batch_models)"),
        "service_tier": _tier(
            _is_batch("coalesce(metadata.batch_models, hidden_params.batch_models)"), "cost_breakdown"
        ),
        "status": "coalesce(nullif(status, ''), 'unknown')",
        "reported_cost": "response_cost",
        "key_hash": "nullif(coalesce(metadata.user_api_key_hash, metadata.user_api_key), '')",
        "user_id": person("metadata.user_api_key_user_id"),
        "team_id": "metadata.user_api_key_team_id",
        "organization_id": "metadata.user_api_key_org_id",
    },
    usage=_COUNTED,
    token=f"metadata.spend_logs_metadata ->> '{ACTOR_TOKEN}'",
)

SPEND_LOGS = replace(
    LITELLM,
    name="litellm_spend_logs",
    fields=SPEND_LOG,
    prepared=_prepared(
        "request_id",
        "metadata.error_information",
        "metadata.attempted_retries",
        "metadata.attempted_fallbacks",
        _UNPACKED,
    ),
    columns={
        **_SHARED,
        "source_system": "'litellm_spend_logs'",
        "gateway_overhead_ms": "metadata.litellm_overhead_time_ms",
        "response_model": f"coalesce(nullif({_base_model('metadata.model_map_information')}, ''), "
        f"{served('model', _ALIASES, ('metadata.model_map_information.model_map_key',))})",
        "is_batch": _is_batch("metadata.batch_models"),
        "service_tier": _tier(_is_batch("metadata.batch_models"), "metadata.cost_breakdown"),
        "region": _place("metadata.cost_breakdown"),
        "status": "coalesce(nullif(status, ''), 'success')",
        "reported_cost": "spend",
        "key_hash": "nullif(coalesce(nullif(api_key, ''), metadata.user_api_key), '')",
        "user_id": person("coalesce(nullif(\"user\", ''), metadata.user_api_key_user_id)"),
        "team_id": "coalesce(nullif(team_id, ''), metadata.user_api_key_team_id)",
        "organization_id": "coalesce(nullif(organization_id, ''), metadata.user_api_key_org_id)",
    },
    suffixes=(".json", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz", ".parquet"),
)

"""OpenTelemetry's GenAI spans as a collector writes them: OTLP in JSON, a request of the exporter a line.

Only inference operations are requests: `invoke_agent`, `execute_tool` and the like wrap them. Attributes that hold
messages are left in the list in which they came; no column is made of them. Input tokens include cached ones
(semantic conventions, GenAI, `gen_ai.usage.input_tokens`).
"""

from __future__ import annotations

from ingestion.sources.llm_gateway.formats.base import (
    ATTRIBUTES,
    Declared,
    Format,
    milliseconds,
    person,
    provider,
    served,
    texts,
)

_VALUE: dict[str, Declared] = {"value": texts("stringValue", "intValue", "doubleValue", "boolValue")}
_PAIRS: list[Declared] = [{**texts("key"), **_VALUE}]
SPAN: dict[str, Declared] = {
    **texts("traceId", "spanId", "parentSpanId", "name", "startTimeUnixNano", "endTimeUnixNano"),
    "attributes": _PAIRS,
    "status": texts("code"),
}
FIELDS: dict[str, Declared] = {
    "resourceSpans": [{"resource": {"attributes": _PAIRS}, "scopeSpans": [{"spans": [SPAN]}]}],
}
INFERENCE = (
    "chat",
    "generate_content",
    "text_completion",
    "embeddings",
    "image_generation",
    "speech",
    "transcription",
)


def _pair(pairs: str, name: str) -> str:
    value = f"{pairs}[list_position(list_transform({pairs}, lambda pair: pair.key), '{name}')].value"
    return f"coalesce({value}.stringValue, {value}.intValue, {value}.doubleValue, {value}.boolValue)"


def _own(*names: str) -> str:
    """SQL: the first of several attributes of the span."""
    return f"coalesce({', '.join(_pair('span.attributes', name) for name in names)})"


def _any(*names: str) -> str:
    """SQL: the first of several attributes of the span, or of what made it."""
    both = [_pair(pairs, name) for pairs in ("span.attributes", "resource.attributes") for name in names]
    return f"coalesce({', '.join(both)})"


def _nanoseconds(value: str) -> str:
    return f"make_timestamp(cast(nullif({value}, '') as bigint) // 1000) at time zone 'UTC'"


_USAGE = "gen_ai.usage."
_COUNTS = {
    "tokens_in": ("input_tokens", "prompt_tokens"),
    "tokens_out": ("output_tokens", "completion_tokens"),
    "tokens_read": ("cache_read.input_tokens", "cache_read_input_tokens"),
    "tokens_written": ("cache_creation.input_tokens", "cache_creation_input_tokens"),
    "tokens_reasoned": ("reasoning.output_tokens",),
}
_COUNTED = ",\n".join(
    f"cast({_own(*(_USAGE + name for name in names))} as bigint) as {column}" for column, names in _COUNTS.items()
)

OTEL = Format(
    name="otel",
    fields=FIELDS,
    prepared=f"""
        select
            *,
            case
                when nullif(span.spanId, '') is null or nullif(span.startTimeUnixNano, '') is null
                then error('no OTLP span, it has no spanId or no startTimeUnixNano')
                else concat_ws('/', nullif(span.traceId, ''), span.spanId)
            end as own_id,
            {_nanoseconds("span.startTimeUnixNano")} as started,
            {_nanoseconds("span.endTimeUnixNano")} as ended,
            {_own("gen_ai.operation.name")} as operation,
            {_own("error.type")} as failure,
            {_COUNTED}
        from (
            select resource, unnest(spans) as span
            from (
                select of_resource.resource as resource, unnest(of_resource.scopeSpans).spans as spans
                from (select unnest(resourceSpans) as of_resource from records)
            )
        )""",
    where=f"operation in {INFERENCE} or (operation is null and {_own('gen_ai.request.model')} is not null)",
    columns={
        "source_system": "'otel'",
        "request_id": "own_id",
        "call_id": "nullif(span.traceId, '')",
        "trace_id": "nullif(span.traceId, '')",
        "session_id": _own("gen_ai.conversation.id", "session.id"),
        "parent_request_id": "case when nullif(span.parentSpanId, '') is not null "
        "then concat_ws('/', nullif(span.traceId, ''), span.parentSpanId) end",
        "provider_request_id": f"nullif({_own('gen_ai.response.id')}, '')",
        "started_at": "started",
        "ended_at": "ended",
        "latency_ms": milliseconds("started", "ended"),
        "first_token_at": "started + to_microseconds(cast(cast("
        f"{_own('gen_ai.response.time_to_first_chunk')} as decimal(12, 6)) * 1000000 as bigint))",
        "operation": "operation",
        "provider": provider(_own("gen_ai.provider.name", "gen_ai.system")),
        "request_model": _own("gen_ai.request.model"),
        # LiteLLM's span has the name that it was asked by in both, and what it sent to the provider beside them.
        "response_model": served(
            _own("gen_ai.response.model"),
            (_own("gen_ai.request.model"),),
            (_own("litellm.provider.model"), _own("gen_ai.response.model"), _own("gen_ai.request.model")),
        ),
        "region": _any("cloud.region"),
        "service_tier": _own("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
        "is_stream": f"lower({_own('gen_ai.request.stream')}) = 'true'",
        "status": "case when failure is not null or span.status.code in ('2', 'STATUS_CODE_ERROR') "
        "then 'failure' else 'success' end",
        "error_class": "failure",
        "input_tokens": "tokens_in",
        "input_uncached_tokens": "greatest(tokens_in - coalesce(tokens_read, 0) - coalesce(tokens_written, 0), 0)",
        "cache_read_tokens": "case when tokens_in is not null then coalesce(tokens_read, 0) end",
        "cache_write_5m_tokens": "case when tokens_in is not null then coalesce(tokens_written, 0) end",
        "output_tokens": "tokens_out",
        "reasoning_tokens": "tokens_reasoned",
        "total_tokens": "tokens_in + tokens_out",
        "usage_source": "case when tokens_in is null and tokens_out is null then 'missing' else 'provider' end",
        "gateway_cache_hit": "false",
        "reported_cost": _own("litellm.cost.usd"),
        "reported_cost_currency": "'USD'",
        "key_hash": _own("litellm.api_key.hash"),
        "team_id": _own("litellm.team.id"),
        "user_id": person(_own("user.id", "enduser.id")),
        "end_user_id": person(_own("litellm.end_user.id")),
        **{
            column: _own(*(f"costowner.{name}" for name in names), *names)
            for column, names in ATTRIBUTES.items()
            if column not in ("service_name", "workflow", "environment")
        },
        "service_name": _any("costowner.service", "service.name"),
        "workflow": _own("costowner.workflow", "gen_ai.workflow.name", "gen_ai.agent.name"),
        "environment": _any("deployment.environment.name", "deployment.environment"),
        "tags": "'[]'",
    },
    token=_own("costowner.actor_token"),
)

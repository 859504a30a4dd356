"""OpenTelemetry's GenAI spans as a collector writes them: OTLP in JSON, a request of the exporter a line.

Only inference operations are requests: `invoke_agent`, `execute_tool` and the like wrap them. Attributes that hold
messages are left in the list in which they came; no column is made of them. Input tokens include cached ones
(semantic conventions, GenAI, `gen_ai.usage.input_tokens`).
"""

from __future__ import annotations

import json

from ingestion.lake.vendor_files import literal
from ingestion.sources.llm_gateway.formats.base import (
    ATTRIBUTES,
    Declared,
    Format,
    milliseconds,
    person,
    served,
    texts,
)
from ingestion.sources.llm_gateway.formats.usage import SETTLED, Usage, count_of
from ingestion.sources.llm_gateway.formats.usage_names import OTEL as NAMES
from ingestion.sources.llm_gateway.formats.usage_names import OTEL_PREFIXES

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


def spans(line: bytes) -> list[bytes]:
    """The exporter's requests of one span each that a request of many is made of; the line itself where it has no spans."""
    # A number stays the text that it is: every value of an attribute is read as text.
    request = json.loads(line, parse_float=str, parse_constant=str)
    found = [
        json.dumps(
            {"resourceSpans": [{"resource": of_resource.get("resource"), "scopeSpans": [{"spans": [span]}]}]}
        )
        for of_resource in request.get("resourceSpans") or []
        for of_scope in of_resource.get("scopeSpans") or []
        for span in of_scope.get("spans") or []
    ]
    return [part.encode() for part in found] or [line]


INFERENCE = (
    "chat",
    "generate_content",
    "text_completion",
    "embeddings",
    "image_generation",
    "speech",
    "transcription",
)


def _attributes(pairs: str) -> str:
    """SQL: a map of attributes from a list of them; of one that is repeated the first."""
    keys = f"list_transform({pairs}, lambda pair: pair.key)"
    first = f"list_filter({pairs}, lambda pair, place: pair.key is not null and list_position({keys}, pair.key) = place)"
    return (
        f"map_from_entries(list_transform({first}, lambda pair: struct_pack(key := pair.key, value := "
        "coalesce(pair.value.stringValue, pair.value.intValue, pair.value.doubleValue, pair.value.boolValue))))"
    )


def _own(*names: str) -> str:
    """SQL: the first of several attributes of the span."""
    return f"coalesce({', '.join(f'own[{literal(name)}]' for name in names)})"


def _any(*names: str) -> str:
    """SQL: the first of several attributes of the span, or of what made it."""
    both = [f"{attributes}[{literal(name)}]" for attributes in ("own", "makers") for name in names]
    return f"coalesce({', '.join(both)})"


def _nanoseconds(value: str) -> str:
    return f"make_timestamp(cast(nullif({value}, '') as bigint) // 1000) at time zone 'UTC'"


# The attributes that count, by themselves: they are few, and each of their many names is looked for among them.
_COUNTING = (
    "list_filter(map_entries(own), lambda pair: "
    + " or ".join(f"starts_with(pair.key, '{prefix}')" for prefix in OTEL_PREFIXES)
    + ")"
)


def _count(names: tuple[str, ...]) -> str:
    """SQL: the largest count of some names: they repeat each other, and writers fill those that they don't use with 0."""
    found = f"list_filter(counting, lambda pair: pair.key in ({', '.join(map(literal, names))}))"
    return f"list_max(list_transform({found}, lambda pair: {count_of('pair.value')}))"


_MODEL = (
    *("gen_ai.request.model", "gen_ai.response.model", "ai.model.id", "llm.request.model"),
    *("llm.model_name", "embedding.model_name"),
)
# A span without an operation is a request where it names a requested model; OpenInference marks it by its kind, the AI
# SDK by the name of its call (`ai.generateText` around it has the sums of all).
_IS_REQUEST = f"""
    operation in {INFERENCE}
    or (
        operation is null
        and (
            {_own("gen_ai.request.model", "llm.request.model")} is not null
            or {_own("openinference.span.kind")} in ('LLM', 'EMBEDDING')
            or regexp_matches({_own("ai.operationId")}, '[.]do(Generate|Stream|Embed)$')
        )
    )"""

# What the emitter reckons it costs in USD: LiteLLM, pydantic-ai, OpenLIT, OpenInference.
COSTS = ("litellm.cost.usd", "operation.cost", "gen_ai.usage.cost", "llm.cost.total")

OTEL = Format(
    name="otel",
    split=spans,
    part="span",
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
            {_COUNTING} as counting
        from (
            select *, {_attributes("span.attributes")} as own, {_attributes("resource.attributes")} as makers
            from (
            select resource, unnest(spans) as span
            from (
                select of_resource.resource as resource, unnest(of_resource.scopeSpans).spans as spans
                from (select unnest(resourceSpans) as of_resource from records)
            ))
        )""",
    where=_IS_REQUEST,
    columns={
        "source_system": "'otel'",
        "request_id": "own_id",
        "call_id": "nullif(span.traceId, '')",
        "trace_id": "nullif(span.traceId, '')",
        "session_id": _own("gen_ai.conversation.id", "session.id"),
        "parent_request_id": "case when nullif(span.parentSpanId, '') is not null "
        "then concat_ws('/', nullif(span.traceId, ''), span.parentSpanId) end",
        "provider_request_id": f"nullif({_own('gen_ai.response.id', 'ai.response.id')}, '')",
        "started_at": "started",
        "ended_at": "ended",
        "latency_ms": milliseconds("started", "ended"),
        "first_token_at": "started + to_microseconds(cast(cast("
        f"{_own('gen_ai.response.time_to_first_chunk')} as decimal(12, 6)) * 1000000 as bigint))",
        "operation": "operation",
        "provider": _own(
            "gen_ai.provider.name", "gen_ai.system", "ai.model.provider", "llm.provider", "llm.system"
        ),
        "request_model": _own(*_MODEL),
        # LiteLLM's span has the name that it was asked by in both, and what it sent to the provider beside them.
        "response_model": served(
            _own("gen_ai.response.model", "ai.response.model"),
            (_own("gen_ai.request.model"),),
            (_own("litellm.provider.model"), _own("gen_ai.response.model", "ai.response.model"), _own(*_MODEL)),
        ),
        "region": _any("cloud.region"),
        "service_tier": _own("openai.response.service_tier", "gen_ai.openai.response.service_tier"),
        "is_stream": f"lower({_own('gen_ai.request.stream')}) = 'true'",
        "status": "case when failure is not null or span.status.code in ('2', 'STATUS_CODE_ERROR') "
        "then 'failure' else 'success' end",
        "error_class": "failure",
        **SETTLED,
        "gateway_cache_hit": "false",
        "reported_cost": _own(*COSTS),
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
    usage=Usage({count: _count(names) for count, names in NAMES.items()}),
    token=_own("costowner.actor_token"),
)

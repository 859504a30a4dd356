"""The canonical `llm_request`, and how gateways' records become rows of it.

Fields are allow-listed: text of prompts and responses, request bodies, headers, IP addresses and traces have no
column and are dropped here. Missing usage is NULL, never 0.
"""

from __future__ import annotations

import hashlib
import json as jsonlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestion.columns import Measure, Table, boolean, integer, json, money, number, text, timestamp
from ingestion.errors import BadInput
from ingestion.llm_gateway.dropped import DROPPED_FIELDS

LLM_REQUESTS = Table(
    "llm_requests",
    "One row a request attempt that reached a provider or a cache; no prompt, no response.",
    (
        text("source_system", "litellm, litellm_spend_logs or mongodb"),
        text("request_id", "the gateway's id of the attempt; with source_system the identity of the row"),
        text("call_id", "what attempts of one call share"),
        text("trace_id", "trace"),
        text("session_id", "session"),
        text("parent_request_id", "the request that this one is nested in"),
        text("provider_request_id", "the provider's id of the request: tells the same request from two sources"),
        integer("attempted_retries", "retries that the gateway made before this record"),
        integer("attempted_fallbacks", "fallbacks to another model before this record"),
        integer("attempt_number", "number of the attempt within its call, from 1"),
        timestamp("started_at", "start of the attempt"),
        timestamp("ended_at", "end of the attempt"),
        timestamp("first_token_at", "when the first token came"),
        number("latency_ms", "milliseconds from start to end"),
        number("gateway_overhead_ms", "milliseconds of these that the gateway took for itself"),
        text("operation", "call type: acompletion, aembedding, anthropic_messages …"),
        text("provider", "provider that served it: openai, anthropic, bedrock …"),
        text("provider_account_id", "the provider's project, workspace or account that the gateway calls with"),
        text("request_model", "model as asked for"),
        text("response_model", "model as served"),
        text("model_group", "the gateway's name for the model"),
        text("deployment_id", "the gateway's deployment"),
        text("region", "where it ran: region of the cloud, or the provider's inference geography"),
        text("service_tier", "tier as served"),
        boolean("is_stream", "streamed"),
        boolean("is_batch", "through the provider's batch API"),
        text("status", "success or failure"),
        text("error_code", "HTTP status or code of a failure"),
        text("error_class", "class of a failure; its text is not kept"),
        text("fallback_from", "model that was asked for first, where another one answered"),
        integer("input_tokens", "all input tokens, cached ones included"),
        integer("input_uncached_tokens", "input tokens that were neither read from nor written to a cache"),
        integer("cache_read_tokens", "input tokens read from the provider's cache"),
        integer(
            "cache_write_5m_tokens", "input tokens written to the cache for five minutes (or of unknown length)"
        ),
        integer("cache_write_1h_tokens", "input tokens written to the cache for an hour"),
        integer("output_tokens", "output tokens, reasoning included"),
        integer("reasoning_tokens", "output tokens that were reasoning"),
        integer("input_audio_tokens", "input tokens that were audio"),
        integer("output_audio_tokens", "output tokens that were audio"),
        integer("image_count", "images made"),
        integer("web_search_count", "web searches that the provider made"),
        integer("total_tokens", "input and output"),
        text("usage_source", "provider, or missing"),
        boolean("gateway_cache_hit", "answered from the gateway's own cache: no provider was asked"),
        money("reported_cost", "the gateway's own price of it"),
        text("reported_cost_currency", "USD"),
        money("saved_cost", "what the gateway's own cache saved, as the gateway says"),
        text("key_hash", "hash of the key that was used"),
        text("key_alias", "name of the key"),
        text("user_id", "the key's user"),
        text("end_user_id", "the caller's customer or user; settable by the caller, no proof"),
        text("team_id", "the key's team"),
        text("team_alias", "the team's name"),
        text("organization_id", "the key's organization"),
        text("project_id", "the key's project at the gateway"),
        text("service_name", "service, as the caller says"),
        text("workflow", "workflow, as the caller says"),
        text("feature", "feature, as the caller says"),
        text("customer_id", "customer, as the caller says"),
        text("environment", "environment, as the caller says"),
        text("experiment", "experiment or job, as the caller says"),
        text("cost_center", "cost center, as the caller says"),
        json(
            "key_attributes", "what the gateway itself keeps of the key (service, workflow …): outranks the caller"
        ),
        text("actor_type", "human, service or agent: of the signed identity"),
        text("actor_id", "subject of the signed identity"),
        text("actor_issuer", "issuer of the signed identity"),
        text("actor_team", "team that the signed identity names"),
        json("actor_chain", "who acts for whom (RFC 8693 `act`), outermost first"),
        text("actor_token_id", "hash of the token's `jti`; the token itself is never kept"),
        text("actor_status", "verified, or why the signed identity was refused; NULL where none was sent"),
        json("tags", "the caller's tags, without the automatic ones"),
    ),
    measures=(Measure("reported_cost", "reported_cost", "reported_cost_currency"),),
    charge_end="started_at",
)
TABLES = (LLM_REQUESTS, DROPPED_FIELDS)

# The calls by which LiteLLM learns what a batch has cost.
BATCH_CALLS = ("aretrieve_batch", "retrieve_batch")

# What a caller may say about a request, by the names that are in use for it.
ATTRIBUTES = {
    "service_name": ("service", "service_name"),
    "workflow": ("workflow", "workflow_id"),
    "feature": ("feature",),
    "customer_id": ("customer_id", "customer"),
    "environment": ("environment", "env"),
}


def _mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, also where it is kept as text (LiteLLM's database does)."""
    if isinstance(value, str):
        try:
            value = jsonlib.loads(value, parse_float=Decimal)
        except ValueError:
            return {}
    return value if isinstance(value, Mapping) else {}


def moment(value: Any, where: str) -> datetime | None:
    """An instant from seconds since 1970 (number) or ISO text; text without a zone is UTC."""
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float | Decimal):
            whole = Decimal(str(value))
            return datetime.fromtimestamp(int(whole), UTC).replace(microsecond=int(whole % 1 * 1_000_000))
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
        parsed = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{where}: {value!r} is not a time") from error
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def amount(value: Any, where: str) -> Decimal | None:
    """Money, exact to twelve places (LiteLLM writes floats: their shortest decimal form is what was meant)."""
    if value is None:
        return None
    try:
        return round(Decimal(str(value)), 12)
    except InvalidOperation as error:
        raise BadInput(f"{where}: {value!r} is not an amount") from error


def _count(value: Any) -> int | None:
    return int(value) if value is not None else None


def is_true(value: Any) -> bool:
    """LiteLLM says true, 'True', false, 'False', null or 'None'."""
    return value is True or str(value).lower() == "true"


def hashed(value: Any) -> str | None:
    """A person's address as a hash: the same person stays the same, and nobody can be written to."""
    if value is None:
        return None
    shown = str(value)
    return f"sha256:{hashlib.sha256(shown.lower().encode()).hexdigest()[:32]}" if "@" in shown else shown


def _usage(found: Mapping[str, Any], prompt: Any, completion: Any) -> dict[str, Any]:
    """Token classes from a usage object. In LiteLLM's, prompt tokens include what was cached."""
    if not found and not prompt and not completion:
        return {"usage_source": "missing"}
    details = _mapping(found.get("prompt_tokens_details"))
    creation = _mapping(details.get("cache_creation_token_details"))
    total_in = _count(found.get("prompt_tokens", prompt))
    read = _count(found.get("cache_read_input_tokens") or details.get("cached_tokens")) or 0
    written = _count(found.get("cache_creation_input_tokens") or details.get("cache_creation_tokens")) or 0
    hour = _count(creation.get("ephemeral_1h_input_tokens")) or 0
    output = _count(found.get("completion_tokens", completion))
    return {
        "input_tokens": total_in,
        "input_uncached_tokens": None if total_in is None else max(total_in - read - written, 0),
        "cache_read_tokens": read,
        "cache_write_5m_tokens": written - hour,
        "cache_write_1h_tokens": hour,
        "output_tokens": output,
        "reasoning_tokens": _count(_mapping(found.get("completion_tokens_details")).get("reasoning_tokens")),
        "total_tokens": None if total_in is None or output is None else total_in + output,
        "usage_source": "provider",
    }


def _said(attributes: Mapping[str, Any]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for column, names in ATTRIBUTES.items():
        value = next((attributes[name] for name in names if attributes.get(name) is not None), None)
        found[column] = None if value is None else str(value)
    return found


def _tags(value: Any) -> str:
    listed = jsonlib.loads(value) if isinstance(value, str) and value.startswith("[") else value or []
    return jsonlib.dumps([str(tag) for tag in listed if not str(tag).startswith("User-Agent:")])


def litellm_row(record: Mapping[str, Any], accounts: Mapping[str, str], where: str) -> dict[str, Any]:
    """A LiteLLM record, a StandardLoggingPayload or a row of LiteLLM_SpendLogs, as an `llm_request`.

    Raises BadInput, with `where`, if it is neither.
    """
    is_spend_log = "request_id" in record
    metadata = _mapping(record.get("metadata"))
    request_id = record.get("request_id") or record.get("id")
    started = moment(record.get("startTime"), f"{where}, startTime")
    if not request_id or started is None:
        raise BadInput(f"{where}: no LiteLLM record, it has no {'startTime' if request_id else 'id'}")
    ended = moment(record.get("endTime"), f"{where}, endTime")
    headers = _mapping(_mapping(record.get("hidden_params")).get("additional_headers"))
    error = _mapping(record.get("error_information") or metadata.get("error_information"))
    status = str(record.get("status") or ("success" if is_spend_log else "unknown"))
    provider = record.get("custom_llm_provider") or None
    usage = _mapping(metadata.get("usage_object"))
    response_model = _mapping(record.get("response")).get("model")
    retries = headers.get("x-litellm-attempted-retries", metadata.get("attempted_retries"))
    fallbacks = headers.get("x-litellm-attempted-fallbacks", metadata.get("attempted_fallbacks"))
    first_token = moment(record.get("completionStartTime"), f"{where}, completionStartTime")
    is_batch = bool(metadata.get("batch_models")) or record.get("call_type") in BATCH_CALLS
    return {
        "source_system": "litellm_spend_logs" if is_spend_log else "litellm",
        "request_id": str(request_id),
        "call_id": record.get("litellm_call_id") or metadata.get("litellm_call_id"),
        "trace_id": record.get("trace_id"),
        "session_id": record.get("session_id") or None,
        "provider_request_id": headers.get("llm_provider-x-request-id") or headers.get("request-id"),
        "attempted_retries": _count(retries),
        "attempted_fallbacks": _count(fallbacks),
        "started_at": started,
        "ended_at": ended,
        "first_token_at": first_token,
        "latency_ms": Decimal(int((ended - started).total_seconds() * 1_000_000)) / 1000 if ended else None,
        "operation": record.get("call_type"),
        "provider": provider,
        "provider_account_id": accounts.get(str(provider)),
        "request_model": record.get("model"),
        "response_model": response_model or record.get("model"),
        "model_group": record.get("model_group"),
        "deployment_id": record.get("model_id"),
        "service_tier": "batch" if is_batch else _mapping(record.get("cost_breakdown")).get("service_tier"),
        "is_stream": is_true(record.get("stream")) if record.get("stream") is not None else None,
        "status": status,
        "error_code": str(error["error_code"]) if error.get("error_code") else None,
        "error_class": error.get("error_class"),
        **_usage(usage, record.get("prompt_tokens"), record.get("completion_tokens")),
        "gateway_cache_hit": is_true(record.get("cache_hit")),
        "reported_cost": amount(record.get("spend") if is_spend_log else record.get("response_cost"), where),
        "reported_cost_currency": "USD",
        "key_hash": record.get("api_key") or metadata.get("user_api_key_hash") or metadata.get("user_api_key"),
        "key_alias": metadata.get("user_api_key_alias"),
        "user_id": hashed(record.get("user") or metadata.get("user_api_key_user_id")),
        "end_user_id": hashed(record.get("end_user") or None),
        "team_id": record.get("team_id") or metadata.get("user_api_key_team_id"),
        "team_alias": metadata.get("user_api_key_team_alias"),
        "organization_id": record.get("organization_id") or metadata.get("user_api_key_org_id"),
        **_said(_mapping(metadata.get("spend_logs_metadata"))),
        "tags": _tags(record.get("request_tags")),
    }


# The canonical fields that a collection may hold under their own names.
CANONICAL = {column.name for column in LLM_REQUESTS.columns}


def canonical_row(document: Mapping[str, Any], accounts: Mapping[str, str], where: str) -> dict[str, Any]:
    """A document that already speaks in canonical fields (MongoDB). Raises BadInput without id or start."""
    request_id = document.get("request_id") or document.get("_id")
    started = moment(document.get("started_at"), f"{where}, started_at")
    if request_id is None or started is None:
        raise BadInput(f"{where}: a document needs request_id (or _id) and started_at")
    row: dict[str, Any] = {}
    for column in LLM_REQUESTS.columns:
        value = document.get(column.name)
        if value is None:
            row[column.name] = None
        elif column.name in ("ended_at", "first_token_at"):
            row[column.name] = moment(value, f"{where}, {column.name}")
        elif column.name in ("reported_cost", "latency_ms"):
            row[column.name] = amount(value, f"{where}, {column.name}")
        else:
            row[column.name] = value if isinstance(value, bool | int) else str(value)
    provider = str(row["provider"]) if row["provider"] else None
    return {
        **row,
        "source_system": "mongodb",
        "request_id": str(request_id),
        "started_at": started,
        "gateway_cache_hit": is_true(document.get("gateway_cache_hit")),
        "provider_account_id": row["provider_account_id"] or accounts.get(str(provider)),
        "usage_source": row["usage_source"] or ("missing" if row["input_tokens"] is None else "provider"),
        "reported_cost_currency": row["reported_cost_currency"] or "USD",
        "user_id": hashed(document.get("user_id")),
        "end_user_id": hashed(document.get("end_user_id")),
        "tags": _tags(document.get("tags")),
    }

"""The providers' raw tables, and how their results become rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestion.columns import Measure, Table, boolean, integer, json, money, number, rest, text, timestamp
from ingestion.errors import BadInput

_BUCKET = (
    timestamp("bucket_start", "start of the UTC day"),
    timestamp("bucket_end", "end of the UTC day, exclusive"),
)
_EXTRA = json("extra", "fields that are not known by name")

OPENAI_COSTS = Table(
    "openai_costs",
    "One row a cost result of a UTC day, project, line item and key (`/organization/costs`).",
    (
        *_BUCKET,
        money("amount", "amount.value: cost in currency"),
        text("currency", "amount.currency, upper case"),
        text("line_item", "what was charged: model and kind of token"),
        number("quantity", "quantity of the line item"),
        text("project_id", "project"),
        text("api_key_id", "key"),
        _EXTRA,
    ),
    measures=(Measure("billed_cost", "amount", "currency"),),
    charge_end="bucket_end",
)
OPENAI_USAGE = Table(
    "openai_usage_completions",
    "One row a usage result of a UTC day (`/organization/usage/completions`); input tokens include cached ones.",
    (
        *_BUCKET,
        text("project_id", "project"),
        text("api_key_id", "key"),
        text("user_id", "user"),
        text("model", "model as served"),
        boolean("batch", "through the batch API"),
        text("service_tier", "tier"),
        integer("input_tokens", "input tokens, cached ones included"),
        integer("input_cached_tokens", "input tokens read from the cache"),
        integer("input_cache_write_tokens", "input tokens written to the cache"),
        integer("output_tokens", "output tokens"),
        integer("num_model_requests", "requests"),
        _EXTRA,
    ),
)
OPENAI_PROJECTS = Table(
    "openai_projects",
    "One row a project.",
    (text("project_id", "id"), text("name", "name"), text("status", "active or archived"), _EXTRA),
)
ANTHROPIC_COSTS = Table(
    "anthropic_cost_report",
    "One row a cost result of a UTC day, workspace and description (`/v1/organizations/cost_report`).",
    (
        *_BUCKET,
        money("amount", "cost in currency (the API's cents as text, ÷ 100)"),
        text("currency", "currency"),
        text("cost_type", "tokens, web_search, code_execution, session_usage"),
        text("description", "what was charged"),
        text("model", "model"),
        text("service_tier", "standard or batch"),
        text("context_window", "0-200k or 200k-1M"),
        text("inference_geo", "where it ran"),
        text("token_type", "kind of token"),
        text("workspace_id", "workspace; NULL is the default one"),
        _EXTRA,
    ),
    measures=(Measure("billed_cost", "amount", "currency"),),
    charge_end="bucket_end",
)
ANTHROPIC_USAGE = Table(
    "anthropic_usage_messages",
    "One row a usage result of a UTC day (`/v1/organizations/usage_report/messages`); input excludes cached tokens.",
    (
        *_BUCKET,
        text("api_key_id", "key; NULL for the Workbench"),
        text("workspace_id", "workspace; NULL is the default one"),
        text("model", "model"),
        text("service_tier", "tier"),
        text("context_window", "context window"),
        integer("uncached_input_tokens", "input tokens that touched no cache"),
        integer("cache_read_input_tokens", "input tokens read from the cache"),
        integer("cache_write_5m_input_tokens", "input tokens written to the cache for five minutes"),
        integer("cache_write_1h_input_tokens", "input tokens written to the cache for an hour"),
        integer("output_tokens", "output tokens"),
        _EXTRA,
    ),
)
TABLES = (OPENAI_COSTS, OPENAI_USAGE, OPENAI_PROJECTS, ANTHROPIC_COSTS, ANTHROPIC_USAGE)


def _exact(value: Any, where: str) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise BadInput(f"{where}: {value!r} is not an amount") from error


def _bucket(day: datetime) -> dict[str, Any]:
    return {"bucket_start": day, "bucket_end": day + timedelta(days=1)}


def openai_cost(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    """A cost result: dollars as a JSON number, of which the digits are taken."""
    where = f"OpenAI costs of {day:%Y-%m-%d}"
    amount = record.get("amount")
    if not isinstance(amount, dict) or "value" not in amount:
        raise BadInput(f"{where}: a result has no amount.value")
    return {
        **_bucket(day),
        "amount": round(_exact(amount["value"], where), 12),
        "currency": str(amount.get("currency") or "usd").upper(),
        "line_item": record.get("line_item"),
        "quantity": None if record.get("quantity") is None else round(_exact(record["quantity"], where), 12),
        "project_id": record.get("project_id"),
        "api_key_id": record.get("api_key_id"),
        "extra": rest(record, {"object", "amount", "line_item", "quantity", "project_id", "api_key_id"}, (None,)),
    }


_OPENAI_USAGE = (
    "project_id",
    "api_key_id",
    "user_id",
    "model",
    "batch",
    "service_tier",
    "input_tokens",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "output_tokens",
    "num_model_requests",
)


def openai_usage(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    return {
        **_bucket(day),
        **{name: record.get(name) for name in _OPENAI_USAGE},
        "extra": rest(record, {"object", *_OPENAI_USAGE}, (None,)),
    }


def openai_project(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "project_id": record["id"],
        "name": record.get("name"),
        "status": record.get("status"),
        "extra": rest(record, {"object", "id", "name", "status"}, (None,)),
    }


_ANTHROPIC_COST = (
    "cost_type",
    "description",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "token_type",
    "workspace_id",
)


def anthropic_cost(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    """A cost result: cents as text, shifted by two places."""
    where = f"Anthropic cost report of {day:%Y-%m-%d}"
    if record.get("amount") is None:
        raise BadInput(f"{where}: a result has no amount")
    return {
        **_bucket(day),
        "amount": round(_exact(record["amount"], where).scaleb(-2), 12),
        "currency": str(record.get("currency") or "USD").upper(),
        **{name: record.get(name) for name in _ANTHROPIC_COST},
        "extra": rest(record, {"amount", "currency", *_ANTHROPIC_COST}, (None,)),
    }


_ANTHROPIC_USAGE = (
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


def anthropic_usage(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    creation = record.get("cache_creation") or {}
    return {
        **_bucket(day),
        **{name: record.get(name) for name in _ANTHROPIC_USAGE},
        "cache_write_5m_input_tokens": creation.get("ephemeral_5m_input_tokens"),
        "cache_write_1h_input_tokens": creation.get("ephemeral_1h_input_tokens"),
        "extra": rest(record, {"cache_creation", *_ANTHROPIC_USAGE}, (None,)),
    }

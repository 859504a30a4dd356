"""The providers' raw tables, and how their results become rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Measure, Table, boolean, integer, money, number, rest, text
from ingestion.lake.records import exact, part
from ingestion.sources.llm_providers.analytics import (
    ANALYTICS_COSTS,
    ANALYTICS_USAGE,
    CLAUDE_CODE,
    CLAUDE_CODE_MODELS,
)
from ingestion.sources.llm_providers.cost_files import PROVIDER_COSTS
from ingestion.sources.llm_providers.entities import ENTITIES
from ingestion.sources.llm_providers.openai_usage import OPENAI_OTHER_USAGE
from ingestion.sources.llm_providers.openrouter import ACTIVITY
from ingestion.sources.llm_providers.parse import BUCKET, EXTRA, bucket, cents, currency, quantity

OPENAI_COSTS = Table(
    "openai_costs",
    "One row a cost result of a UTC day, project, line item and key (`/organization/costs`).",
    (
        *BUCKET,
        money("amount", "amount.value: cost in currency"),
        text("currency", "amount.currency, upper case"),
        text("line_item", "what was charged: model and kind of token"),
        number("quantity", "quantity of the line item"),
        text("project_id", "project"),
        text("api_key_id", "key"),
        EXTRA,
    ),
    measures=(Measure("billed_cost", "amount", "currency"),),
    charge_end="bucket_end",
)
OPENAI_USAGE = Table(
    "openai_usage_completions",
    "One row a usage result of a UTC day (`/organization/usage/completions`); input tokens include cached ones.",
    (
        *BUCKET,
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
        integer("input_uncached_tokens", "input tokens that touched no cache"),
        integer("input_text_tokens", "uncached input tokens that were text"),
        integer("input_cached_text_tokens", "cached input tokens that were text"),
        integer("output_text_tokens", "output tokens that were text"),
        integer("input_audio_tokens", "uncached input tokens that were audio"),
        integer("input_cached_audio_tokens", "cached input tokens that were audio"),
        integer("output_audio_tokens", "output tokens that were audio"),
        integer("input_image_tokens", "uncached input tokens that were images"),
        integer("input_cached_image_tokens", "cached input tokens that were images"),
        integer("output_image_tokens", "output tokens that were images"),
        integer("num_model_requests", "requests"),
        EXTRA,
    ),
)
ANTHROPIC_COSTS = Table(
    "anthropic_cost_report",
    "One row a cost result of a UTC day, workspace and description (`/v1/organizations/cost_report`).",
    (
        *BUCKET,
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
        EXTRA,
    ),
    measures=(Measure("billed_cost", "amount", "currency"),),
    charge_end="bucket_end",
)
ANTHROPIC_USAGE = Table(
    "anthropic_usage_messages",
    "One row a usage result of a UTC day (`/v1/organizations/usage_report/messages`); input excludes cached tokens.",
    (
        *BUCKET,
        text("api_key_id", "key; NULL for the Workbench"),
        text("workspace_id", "workspace; NULL is the default one"),
        text("model", "model"),
        text("service_tier", "standard, batch, flex, or priority, whose cost is on no report"),
        text("context_window", "context window"),
        text("inference_geo", "where it ran"),
        text("speed", "standard or fast"),
        text("account_id", "user"),
        text("service_account_id", "service account"),
        integer("web_search_requests", "web searches"),
        integer("uncached_input_tokens", "input tokens that touched no cache"),
        integer("cache_read_input_tokens", "input tokens read from the cache"),
        integer("cache_write_5m_input_tokens", "input tokens written to the cache for five minutes"),
        integer("cache_write_1h_input_tokens", "input tokens written to the cache for an hour"),
        integer("output_tokens", "output tokens"),
        EXTRA,
    ),
)
TABLES = (
    OPENAI_COSTS,
    OPENAI_USAGE,
    OPENAI_OTHER_USAGE,
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    ANALYTICS_COSTS,
    ANALYTICS_USAGE,
    CLAUDE_CODE,
    CLAUDE_CODE_MODELS,
    ACTIVITY,
    PROVIDER_COSTS,
    ENTITIES,
)


def openai_cost(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    """A cost result: dollars as a JSON number, of which the digits are taken."""
    where = f"OpenAI costs of {day:%Y-%m-%d}"
    amount = record.get("amount")
    if not isinstance(amount, dict) or "value" not in amount:
        raise BadInput(f"{where}: a result has no amount.value")
    return {
        **bucket(day),
        "amount": exact(amount["value"], f"{where}, amount.value"),
        "currency": currency(amount.get("currency"), f"{where}, amount.currency"),
        "line_item": record.get("line_item"),
        "quantity": quantity(record.get("quantity"), f"{where}, quantity"),
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
    "input_uncached_tokens",
    "input_text_tokens",
    "input_cached_text_tokens",
    "output_text_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "input_cached_image_tokens",
    "output_image_tokens",
    "num_model_requests",
)


def openai_usage(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    return {
        **bucket(day),
        **{name: record.get(name) for name in _OPENAI_USAGE},
        "extra": rest(record, {"object", *_OPENAI_USAGE}, (None,)),
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
    return {
        **bucket(day),
        "amount": cents(record.get("amount"), f"{where}, amount"),
        "currency": currency(record.get("currency"), f"{where}, currency"),
        **{name: record.get(name) for name in _ANTHROPIC_COST},
        "extra": rest(record, {"amount", "currency", *_ANTHROPIC_COST}, (None,)),
    }


_ANTHROPIC_USAGE = (
    "api_key_id",
    "workspace_id",
    "model",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
    "account_id",
    "service_account_id",
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
)


def anthropic_usage(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    where = f"Anthropic usage report of {day:%Y-%m-%d}"
    creation = part(record.get("cache_creation"), f"{where}, cache_creation")
    tools = part(record.get("server_tool_use"), f"{where}, server_tool_use")
    more_tools = {name: count for name, count in tools.items() if name != "web_search_requests"}
    unnamed = {key: value for key, value in record.items() if key != "server_tool_use"}
    return {
        **bucket(day),
        **{name: record.get(name) for name in _ANTHROPIC_USAGE},
        "cache_write_5m_input_tokens": creation.get("ephemeral_5m_input_tokens"),
        "cache_write_1h_input_tokens": creation.get("ephemeral_1h_input_tokens"),
        "web_search_requests": tools.get("web_search_requests"),
        "extra": rest(
            {**unnamed, "server_tool_use": more_tools}, {"cache_creation", *_ANTHROPIC_USAGE}, (None, {})
        ),
    }

"""Anthropic's raw tables of costs and usage, and how its results become rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ingestion.lake.columns import Measure, Table, integer, money, rest, text
from ingestion.lake.records import part
from ingestion.lake.rejected import Money
from ingestion.sources.llm_providers.records import BUCKET, EXTRA, bucket, cents, currency

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
    return {
        **bucket(day),
        "amount": cents(record.get("amount"), "amount"),
        "currency": currency(record.get("currency"), "currency"),
        **{name: record.get(name) for name in _ANTHROPIC_COST},
        "extra": rest(record, {"amount", "currency", *_ANTHROPIC_COST}, (None,)),
    }


def anthropic_billed(record: dict[str, Any]) -> Money:
    """What a cost result bills."""
    return cents(record["amount"], "amount"), currency(record.get("currency"), "currency")


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
    creation = part(record.get("cache_creation"), "cache_creation")
    tools = part(record.get("server_tool_use"), "server_tool_use")
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

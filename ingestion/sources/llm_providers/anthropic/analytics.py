"""Anthropic's newer reports: Claude Code, and the analytics family. They explain the bill; they are not it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from ingestion.lake import records
from ingestion.lake.columns import Table, boolean, integer, json, money, rest, text
from ingestion.lake.records import typed
from ingestion.lake.rejected import Rejected
from ingestion.sources.llm_providers.records import BUCKET, EXTRA, bucket, cents, currency, hashed

# Rows grouped by rbac_group_id overlap: they are never asked for, because they must never be added up.
ANALYTICS_GROUPS = ("product", "model", "cost_type", "token_type", "context_window", "inference_geo")

ANALYTICS_COSTS = Table(
    "anthropic_analytics_cost",
    "One row a group of costs of a UTC day (`/v1/organizations/analytics/cost_report`). The vendor reports the 100 "
    "largest groups of a day; a row marked as remainder is what lacks to the day's total.",
    (
        *BUCKET,
        boolean("is_remainder", "computed: the day's total less the groups that are reported"),
        money("amount", "cost after discounts and before credits (the API's cents as text, ÷ 100)"),
        money("list_amount", "cost at list prices (the API's cents as text, ÷ 100)"),
        text("currency", "currency"),
        text("product", "chat, claude_code, cowork …"),
        text("model", "model"),
        text("cost_type", "tokens, web_search, code_execution, session_usage"),
        text("token_type", "kind of token"),
        text("context_window", "context window"),
        text("inference_geo", "where it ran"),
        integer("requests", "requests"),
        EXTRA,
    ),
)
ANALYTICS_USAGE = Table(
    "anthropic_analytics_usage",
    "One row a group of usage of a UTC day (`/v1/organizations/analytics/usage_report`), with the computed remainder.",
    (
        *BUCKET,
        boolean("is_remainder", "computed: the day's total less the groups that are reported"),
        text("product", "chat, claude_code, cowork …"),
        text("model", "model"),
        text("context_window", "context window"),
        text("inference_geo", "where it ran"),
        integer("uncached_input_tokens", "input tokens that touched no cache"),
        integer("cache_read_input_tokens", "input tokens read from the cache"),
        integer("cache_write_5m_input_tokens", "input tokens written to the cache for five minutes"),
        integer("cache_write_1h_input_tokens", "input tokens written to the cache for an hour"),
        integer("output_tokens", "output tokens"),
        integer("requests", "requests"),
        EXTRA,
    ),
)
USAGE_GROUPS = ("product", "model", "context_window", "inference_geo")
CLAUDE_CODE = Table(
    "anthropic_claude_code",
    "One row a UTC day, actor and terminal that used Claude Code (`/v1/organizations/usage_report/claude_code`).",
    (
        *BUCKET,
        text("actor_kind", "user_actor or api_actor"),
        text("actor", "hash of the user's e-mail address, or the key's name"),
        text("customer_type", "api or subscription"),
        text("subscription_type", "enterprise, team …"),
        text("terminal_type", "terminal"),
        integer("num_sessions", "sessions"),
        integer("lines_added", "lines of code added"),
        integer("lines_removed", "lines of code removed"),
        integer("commits", "commits made by Claude Code"),
        integer("pull_requests", "pull requests made by Claude Code"),
        json("tool_actions", "tool actions that were accepted and rejected"),
        EXTRA,
    ),
)
CLAUDE_CODE_MODELS = Table(
    "anthropic_claude_code_models",
    "One row a UTC day, actor, terminal and model of Claude Code: tokens, and what the vendor estimates they cost.",
    (
        *BUCKET,
        text("actor_kind", "user_actor or api_actor"),
        text("actor", "hash of the user's e-mail address, or the key's name"),
        text("customer_type", "api or subscription"),
        text("terminal_type", "terminal"),
        text("model", "model"),
        integer("input_tokens", "input tokens"),
        integer("output_tokens", "output tokens"),
        integer("cache_read_tokens", "input tokens read from the cache"),
        integer("cache_creation_tokens", "input tokens written to the cache"),
        money("estimated_cost", "the vendor's estimate (cents ÷ 100); never a charge"),
        text("currency", "currency of the estimate"),
    ),
)

_COST_TEXTS = ANALYTICS_GROUPS
_USAGE_NUMBERS = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens", "requests")


def _cost(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    listed = record.get("list_amount")
    return {
        **bucket(day),
        "is_remainder": False,
        "amount": cents(record.get("amount"), "amount"),
        "list_amount": None if listed is None else cents(listed, "list_amount"),
        "currency": currency(record.get("currency"), "currency"),
        **{name: record.get(name) for name in _COST_TEXTS},
        "requests": record.get("requests"),
        "extra": rest(record, {"amount", "list_amount", "currency", "requests", *_COST_TEXTS}, (None,)),
    }


def _usage(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    creation = record.get("cache_creation") or {}
    return {
        **bucket(day),
        "is_remainder": False,
        **{name: record.get(name) for name in (*USAGE_GROUPS, *_USAGE_NUMBERS)},
        "cache_write_5m_input_tokens": creation.get("ephemeral_5m_input_tokens"),
        "cache_write_1h_input_tokens": creation.get("ephemeral_1h_input_tokens"),
        "extra": rest(record, {"cache_creation", *USAGE_GROUPS, *_USAGE_NUMBERS}, (None,)),
    }


def _lacking(
    groups: list[dict[str, Any]], totals: list[dict[str, Any]], measures: Iterable[str]
) -> dict[str, Any] | None:
    """What the groups lack to the total, by measure; None where they lack nothing. Unknown stays unknown."""
    lacking: dict[str, Any] = {}
    for name in measures:
        whole = [row[name] for row in totals if row[name] is not None]
        if whole:
            lacking[name] = sum(whole) - sum(row[name] or 0 for row in groups)
    return lacking if any(lacking.values()) else None


Row = Callable[[dict[str, Any], datetime], dict[str, Any]]


def _read(table: Table, row: Row, day: datetime) -> Callable[[dict[str, Any], str], dict[str, Any]]:
    return lambda record, where: typed(table, row(record, day), where)


def _whole(table: Table, row: Row, totals: list[Any], day: datetime) -> list[dict[str, Any]]:
    """A day's totals as rows. Raises BadInput for one that can't be read: the remainder is not known without it."""
    found = []
    for number, total in enumerate(totals, start=1):
        where = f"Anthropic {table.name} of {day:%Y-%m-%d}, total {number}"
        found.append(_read(table, row, day)(records.record(total, where), where))
    return found


def analytics_costs(
    groups: list[Any], totals: list[Any], day: datetime, rejected: Rejected
) -> list[dict[str, Any]]:
    """A day's groups, and what lacks of each currency's total: the two together are the total, exactly.

    So they are where a group is set aside in `rejected`: what it bills is in the remainder.
    """
    place = f"Anthropic {ANALYTICS_COSTS.name} of {day:%Y-%m-%d}"
    grouped = rejected.rows(groups, place, _read(ANALYTICS_COSTS, _cost, day))
    whole = _whole(ANALYTICS_COSTS, _cost, totals, day)
    rows = list(grouped)
    for code in sorted({row["currency"] for row in whole}):
        pair = [[row for row in side if row["currency"] == code] for side in (grouped, whole)]
        lacking = _lacking(pair[0], pair[1], ("amount", "list_amount", "requests"))
        if lacking:
            rows.append({**bucket(day), "is_remainder": True, "currency": code, "amount": Decimal(0), **lacking})
    return rows


def analytics_usage(
    groups: list[Any], totals: list[Any], day: datetime, rejected: Rejected
) -> list[dict[str, Any]]:
    """A day's groups, and what lacks to the total; a group that can't be read is set aside in `rejected`."""
    place = f"Anthropic {ANALYTICS_USAGE.name} of {day:%Y-%m-%d}"
    grouped = rejected.rows(groups, place, _read(ANALYTICS_USAGE, _usage, day))
    whole = _whole(ANALYTICS_USAGE, _usage, totals, day)
    writes = ("cache_write_5m_input_tokens", "cache_write_1h_input_tokens")
    lacking = _lacking(grouped, whole, (*_USAGE_NUMBERS, *writes))
    return [*grouped, {**bucket(day), "is_remainder": True, **lacking}] if lacking else grouped


def _actor(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    actor = record.get("actor") or {}
    return {
        **bucket(day),
        "actor_kind": actor.get("type"),
        "actor": hashed(actor.get("email_address") or actor.get("api_key_name")),
        "customer_type": record.get("customer_type"),
        "terminal_type": record.get("terminal_type"),
    }


_CODE_KNOWN = {
    "actor",
    "customer_type",
    "subscription_type",
    "terminal_type",
    "core_metrics",
    "tool_actions",
    "model_breakdown",
    "date",
}


def claude_code(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    metrics = record.get("core_metrics") or {}
    lines = metrics.get("lines_of_code") or {}
    actions = record.get("tool_actions")
    return {
        **_actor(record, day),
        "subscription_type": record.get("subscription_type"),
        "num_sessions": metrics.get("num_sessions"),
        "lines_added": lines.get("added"),
        "lines_removed": lines.get("removed"),
        "commits": metrics.get("commits_by_claude_code"),
        "pull_requests": metrics.get("pull_requests_by_claude_code"),
        "tool_actions": rest(actions, set()) if isinstance(actions, dict) else None,
        "extra": rest(record, _CODE_KNOWN, (None,)),
    }


def claude_code_models(record: dict[str, Any], day: datetime) -> Iterator[dict[str, Any]]:
    for model in record.get("model_breakdown") or []:
        tokens = model.get("tokens") or {}
        cost = model.get("estimated_cost") or {}
        amount = cost.get("amount")
        yield {
            **_actor(record, day),
            "model": model.get("model"),
            "input_tokens": tokens.get("input"),
            "output_tokens": tokens.get("output"),
            "cache_read_tokens": tokens.get("cache_read"),
            "cache_creation_tokens": tokens.get("cache_creation"),
            "estimated_cost": None if amount is None else cents(amount, "estimated_cost"),
            "currency": cost.get("currency"),
        }

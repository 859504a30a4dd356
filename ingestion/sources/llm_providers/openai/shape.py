"""OpenAI's raw tables of costs and completions, and how its results become rows."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Measure, Table, boolean, integer, money, number, rest, text
from ingestion.lake.records import exact
from ingestion.lake.rejected import Money
from ingestion.sources.llm_providers.records import BUCKET, EXTRA, bucket, currency, quantity

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


def openai_cost(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    """A cost result: dollars as a JSON number, of which the digits are taken."""
    amount = record.get("amount")
    if not isinstance(amount, dict) or "value" not in amount:
        raise BadInput("no amount.value")
    return {
        **bucket(day),
        "amount": exact(amount["value"], "amount.value"),
        "currency": currency(amount.get("currency"), "amount.currency"),
        "line_item": record.get("line_item"),
        "quantity": quantity(record.get("quantity"), "quantity"),
        "project_id": record.get("project_id"),
        "api_key_id": record.get("api_key_id"),
        "extra": rest(record, {"object", "amount", "line_item", "quantity", "project_id", "api_key_id"}, (None,)),
    }


def openai_billed(record: dict[str, Any]) -> Money:
    """What a cost result bills."""
    amount = record["amount"]
    return exact(amount["value"], "amount"), currency(amount.get("currency"), "currency")


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

"""OpenRouter's activity: what a day cost by model. The API reports the last 30 completed UTC days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from ingestion.access.http import Client
from ingestion.errors import BadInput, VendorError
from ingestion.lake.columns import Measure, Table, integer, money, rest, text
from ingestion.lake.contract import Known, NoData, Part, Slice
from ingestion.lake.records import exact
from ingestion.lake.rejected import SHAPES, Money
from ingestion.settings import Month, Window
from ingestion.sources.llm_providers.admin_api import closed_days
from ingestion.sources.llm_providers.records import BUCKET, EXTRA, bucket
from ingestion.sources.llm_providers.reports import shaped_rows, unexpected

OPENROUTER_URL = "https://openrouter.ai/api/v1"
REACH_DAYS = 30

ACTIVITY = Table(
    "openrouter_activity",
    "One row a UTC day, model, endpoint and workspace (`/api/v1/activity`).",
    (
        *BUCKET,
        money("amount", "usage: what OpenRouter takes, in USD; its fee alone where the key is one's own"),
        money("byok_inference", "byok_usage_inference: what a provider bills for one's own key; not OpenRouter's"),
        text("currency", "USD"),
        text("model", "model"),
        text("model_permaslug", "model, as it was at the time"),
        text("endpoint_id", "endpoint that answered"),
        text("provider_name", "provider that answered"),
        text("workspace_id", "workspace"),
        integer("requests", "requests"),
        integer("prompt_tokens", "input tokens, cached ones included; OpenRouter does not report these apart"),
        integer("completion_tokens", "output tokens"),
        integer("reasoning_tokens", "output tokens that were reasoning"),
        EXTRA,
    ),
    measures=(Measure("billed_cost", "amount", "currency"),),
    charge_end="bucket_end",
)

_PLAIN = (
    "model",
    "model_permaslug",
    "endpoint_id",
    "provider_name",
    "workspace_id",
    "requests",
    "prompt_tokens",
    "completion_tokens",
    "reasoning_tokens",
)


def activity(record: dict[str, Any], day: datetime) -> dict[str, Any]:
    """A row of activity: dollars as a JSON number, of which the digits are taken."""
    if record.get("usage") is None:
        raise BadInput("no usage")
    own = record.get("byok_usage_inference")
    return {
        **bucket(day),
        "amount": exact(record["usage"], "usage"),
        "byok_inference": None if own is None else exact(own, "byok_usage_inference"),
        "currency": "USD",
        **{name: record.get(name) for name in _PLAIN},
        "extra": rest(record, {"date", "usage", "byok_usage_inference", *_PLAIN}, (None,)),
    }


def billed(record: dict[str, Any]) -> Money:
    """What a row of activity bills."""
    return exact(record["usage"], "usage"), "USD"


def is_within_reach(day: datetime, now: datetime) -> bool:
    """Whether a day is over and among the last 30: today's is live, older ones are gone for good."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=REACH_DAYS) <= day < today


class OpenRouter:
    """An account's activity, with a management key."""

    name = "openrouter"

    def __init__(self, key: str, base_url: str) -> None:
        self.http = Client(
            "OpenRouter",
            base_url,
            headers={"Authorization": f"Bearer {key}"},
            credentials="sources.llm_providers.openrouter_management_key (a management key)",
        )

    def activity(self, day: datetime) -> list[Any]:
        """The rows of a day. Raises VendorError for one of another day."""
        rows: list[Any] = self.http.json("/activity", params={"date": f"{day:%Y-%m-%d}"})["data"]
        for number, row in enumerate(rows, start=1):
            if isinstance(row, dict) and not str(row.get("date") or "").startswith(f"{day:%Y-%m-%d}"):
                raise VendorError(f"OpenRouter: asked for {day:%Y-%m-%d}, and row {number} is not of that date")
        return rows


def openrouter_slices(client: OpenRouter, window: Window, known: Known, now: datetime) -> Iterator[Slice]:
    """Days within reach are read; a day that is out of reach, and not landed yet, has no data."""
    for day in closed_days(window.start, window.end, now):
        identifier = f"openrouter|activity|{day:%Y-%m-%d}"
        if identifier in known and not is_within_reach(day, now):
            continue

        def read(day: datetime = day) -> Iterable[Part]:
            if not is_within_reach(day, now):
                raise NoData(f"{day:%Y-%m-%d} is out of reach: OpenRouter reports the last 30 completed UTC days")
            try:
                records = client.activity(day)
            except SHAPES as error:
                raise BadInput(f"OpenRouter activity of {day:%Y-%m-%d}: {unexpected(error)}") from None
            return shaped_rows("OpenRouter", ACTIVITY, day, records, lambda record: activity(record, day), billed)

        yield Slice(identifier, str(Month.of(day)), day, day + timedelta(days=1), read)

"""LLM gateways as a source: a slice is an hour of LiteLLM's logs, or a day of a MongoDB collection."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import dlt

from ingestion.errors import SettingError
from ingestion.lake import Known, Rows, Slice, Source
from ingestion.llm_gateway.client import LiteLlmLogs, MongoLog, version_of
from ingestion.llm_gateway.dropped import DROPPED_FIELDS, Dropped
from ingestion.llm_gateway.shape import CANONICAL, LLM_REQUESTS, TABLES, canonical_row, litellm_row
from ingestion.objects import Object, open_store
from ingestion.settings import Month, Window

# A gateway may write what it has buffered some minutes after the requests.
SETTLE = timedelta(minutes=15)


@dataclass(frozen=True)
class GatewaySettings:
    """`litellm_url`: the folder or `s3://bucket/path` of LiteLLM's log objects.

    `mongo_uri` (secret), `mongo_database`, `mongo_collection`: a collection of canonical requests.
    `provider_accounts`: which project, workspace or account the gateway calls a provider with, as
    `openai=proj_…,anthropic=wrkspc_…`, so that other traffic of that provider is told apart.
    """

    litellm_url: str | None = None
    mongo_uri: str | None = field(default=None, repr=False)
    mongo_database: str = "llm_gateway"
    mongo_collection: str = "requests"
    provider_accounts: tuple[str, ...] = ()
    profile: str | None = None
    endpoint_url: str | None = None

    @property
    def accounts(self) -> dict[str, str]:
        pairs = [entry.partition("=") for entry in self.provider_accounts]
        if any(not sign for _, sign, _ in pairs):
            raise SettingError("sources.llm_gateway.provider_accounts: write provider=account,provider=account")
        return {name.strip(): account.strip() for name, _, account in pairs}


def _litellm(settings: GatewaySettings, url: str, window: Window, now: datetime) -> Iterable[Slice]:
    store = open_store(
        url,
        profile=settings.profile,
        endpoint_url=settings.endpoint_url,
        setting="sources.llm_gateway.litellm_url",
    )
    logs = LiteLlmLogs(store)
    for hour, items in logs.hours(window.start, min(window.end, now)).items():

        def read(items: list[Object] = items) -> Iterable[Rows]:
            dropped = Dropped()
            for item in items:
                rows = []
                for where, record in logs.records(item):
                    row = litellm_row(record, settings.accounts, where)
                    dropped.look(row["source_system"], row["started_at"].date(), record)
                    rows.append(row)
                yield Rows(LLM_REQUESTS, rows)
            yield Rows(DROPPED_FIELDS, dropped.rows())

        yield Slice(
            id=f"litellm|{hour:%Y-%m-%dT%H}",
            billing_period=str(Month.of(hour)),
            start=hour,
            end=hour + timedelta(hours=1),
            read=read,
            version=version_of(items),
            version_proves=True,
        )


def _mongo(settings: GatewaySettings, uri: str, window: Window, now: datetime) -> Iterable[Slice]:
    log = MongoLog(uri, settings.mongo_database, settings.mongo_collection, frozenset(CANONICAL))
    last = min(window.end, now)

    @cache
    def shipped() -> list[str]:
        """The fields that hold prompts anywhere in the window: only these are counted day by day."""
        return [name for name, _ in log.prompt_fields(window.start, last)]

    day = window.start
    while day < last:
        end = min(day + timedelta(days=1), now - SETTLE)

        def read(start: datetime = day, end: datetime = end) -> Iterable[Rows]:
            rows = [
                canonical_row(document, settings.accounts, f"{log.place}, _id {document['_id']}")
                for document in log.documents(start, end)
            ]
            yield Rows(LLM_REQUESTS, rows)
            dropped = Dropped()
            for name, count in log.prompt_fields(start, end, shipped()):
                dropped.add("mongodb", name, start.date(), count)
            yield Rows(DROPPED_FIELDS, dropped.rows())

        yield Slice(f"mongodb|{day:%Y-%m-%d}", str(Month.of(day)), day, end, read)
        day += timedelta(days=1)


def slices(settings: GatewaySettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The hours of LiteLLM's logs, then the days of the collection; what is not set up is left out."""
    if settings.litellm_url:
        yield from _litellm(settings, settings.litellm_url, window, now)
    if settings.mongo_uri:
        yield from _mongo(settings, settings.mongo_uri, window, now)


@dlt.source(name="llm_gateway")
def llm_gateway(delivery: list[Any]) -> list[Any]:
    """Requests to language models, without their text."""
    return delivery


SOURCE = Source(
    name="llm_gateway",
    title="LLM gateway",
    description="Requests to language models with their context, from LiteLLM's logs or a MongoDB collection.",
    settings=GatewaySettings,
    tables=TABLES,
    slices=slices,
    dlt_source=llm_gateway,
    promise_hours=36,
    kinds=("litellm", "mongodb"),
)

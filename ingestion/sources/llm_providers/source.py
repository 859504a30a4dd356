"""LLM providers as a source: a slice is a provider's report of a closed UTC day, a list of its ids, or a cost file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingestion.access.objects import Object, ObjectStore
from ingestion.access.stores import open_store
from ingestion.errors import BadInput
from ingestion.lake.contract import Known, NoData, Rows, Slice, Source
from ingestion.setting_table import about
from ingestion.settings import Month, Window
from ingestion.sources.llm_providers.client import ANTHROPIC_URL, OPENAI_URL, Anthropic, OpenAi, closed_days
from ingestion.sources.llm_providers.cost_files import PROVIDER_COSTS, SUFFIXES, cost_rows, month_of
from ingestion.sources.llm_providers.openrouter import (
    ACTIVITY,
    OPENROUTER_URL,
    OpenRouter,
    activity,
    is_within_reach,
)
from ingestion.sources.llm_providers.reports import (
    SHAPES,
    anthropic_slices,
    openai_slices,
    shaped_rows,
    unexpected,
)
from ingestion.sources.llm_providers.shape import TABLES

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProviderSettings:
    """The providers' own reports of cost and usage. A provider without a key is left out."""

    openai_admin_key: str | None = field(
        default=None,
        repr=False,
        metadata=about("an admin key of the OpenAI organization (`sk-admin-…`), read-only scopes"),
    )
    anthropic_admin_key: str | None = field(
        default=None, repr=False, metadata=about("an admin key of the Anthropic organization (`sk-ant-admin…`)")
    )
    openai_base_url: str = field(default=OPENAI_URL, metadata=about("the address of OpenAI's API"))
    anthropic_base_url: str = field(default=ANTHROPIC_URL, metadata=about("the address of Anthropic's API"))
    openrouter_management_key: str | None = field(
        default=None, repr=False, metadata=about("a management key of the OpenRouter account")
    )
    openrouter_base_url: str = field(default=OPENROUTER_URL, metadata=about("the address of OpenRouter's API"))
    costs_url: str | None = field(
        default=None,
        metadata=about("a folder or `s3://bucket/prefix` of files with what other providers bill"),
    )
    costs_profile: str | None = field(
        default=None, metadata=about("a profile of the AWS configuration; else boto3's own chain")
    )
    costs_endpoint_url: str | None = field(default=None, metadata=about("another S3-compatible store than AWS's"))


def _openrouter(client: OpenRouter, window: Window, known: Known, now: datetime) -> Iterator[Slice]:
    """Days within reach are read; of those that can't be had any more, the ones that we lack are said to be so."""
    for day in closed_days(window.start, window.end, now):
        identifier = f"openrouter|activity|{day:%Y-%m-%d}"
        if identifier in known and not is_within_reach(day, now):
            continue

        def read(day: datetime = day) -> Iterable[Rows]:
            if not is_within_reach(day, now):
                raise NoData(f"{day:%Y-%m-%d} is out of reach: OpenRouter tells of the last 30 completed UTC days")
            try:
                records = client.activity(day)
            except SHAPES as error:
                raise BadInput(f"OpenRouter activity of {day:%Y-%m-%d}: {unexpected(error)}") from None
            return [shaped_rows("OpenRouter", ACTIVITY, day, records, lambda record: activity(record, day))]

        yield Slice(identifier, str(Month.of(day)), day, day + timedelta(days=1), read)


def _cost_files(store: ObjectStore, window: Window) -> Iterator[Slice]:
    """The contract's files of the window's months; one whose name tells no month is refused."""
    for item in store.list(""):
        if not item.key.endswith(SUFFIXES):
            _log.warning("%s/%s is neither CSV nor JSON lines: left out", store.root, item.key)
            continue
        month: Month | None
        try:
            month = month_of(item.key)
        except BadInput:
            month = None
        if month and month not in window.months:
            continue

        def read(item: Object = item) -> Iterable[Rows]:
            where = f"{store.root}/{item.key}"
            rows = cost_rows(item.key, store.read(item.key), month_of(item.key))
            if not rows:
                _log.warning("%s holds no charges", where)
            return [Rows(PROVIDER_COSTS, rows)]

        yield Slice(
            f"llm_costs|{item.key}",
            str(month) if month else None,
            month.start if month else window.start,
            month.end if month else window.end,
            read,
            version=item.etag,
        )


def slices(settings: ProviderSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """Closed days of each provider that has a key, and its ids; then the files."""
    if settings.openai_admin_key:
        yield from openai_slices(OpenAi(settings.openai_admin_key, settings.openai_base_url), window, now)
    if settings.anthropic_admin_key:
        anthropic = Anthropic(settings.anthropic_admin_key, settings.anthropic_base_url)
        yield from anthropic_slices(anthropic, window, known, now)
    if settings.openrouter_management_key:
        openrouter = OpenRouter(settings.openrouter_management_key, settings.openrouter_base_url)
        yield from _openrouter(openrouter, window, known, now)
    if settings.costs_url:
        store = open_store(
            settings.costs_url,
            profile=settings.costs_profile,
            endpoint_url=settings.costs_endpoint_url,
            setting="sources.llm_providers.costs_url",
        )
        yield from _cost_files(store, window)


SOURCE = Source(
    name="llm_providers",
    title="LLM providers",
    description="What OpenAI, Anthropic, OpenRouter and other model providers bill and count, by UTC day.",
    settings=ProviderSettings,
    tables=TABLES,
    slices=slices,
    freshness_sla_hours=48,
    kinds=("openai", "anthropic"),
)

"""LLM providers as a source: a slice is a provider's report of a closed UTC day, a list of its ids, or a cost file."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ingestion.access.objects import Object, ObjectStore
from ingestion.access.stores import open_store
from ingestion.errors import BadInput
from ingestion.lake.contract import ClaimKind, Evidence, Known, LedgerSource, NoData, Rows, Slice, Source
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
    """`openai_admin_key`, `anthropic_admin_key`, `openrouter_management_key`: a provider without a key is left out.

    `costs_url`: a folder or `s3://bucket/prefix` of files with what other providers bill.
    """

    openai_admin_key: str | None = field(default=None, repr=False)
    anthropic_admin_key: str | None = field(default=None, repr=False)
    openai_base_url: str = OPENAI_URL
    anthropic_base_url: str = ANTHROPIC_URL
    openrouter_management_key: str | None = field(default=None, repr=False)
    openrouter_base_url: str = OPENROUTER_URL
    costs_url: str | None = None
    costs_profile: str | None = None
    costs_endpoint_url: str | None = None


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


CLAIM_KINDS = (
    ClaimKind(
        "llm_key",
        Evidence.MANAGED_KEY,
        "Key that a gateway or provider manages: its holder is known to the server",
    ),
    ClaimKind("llm_service_account", Evidence.MANAGED_KEY, "Service account at a model provider"),
    ClaimKind("llm_project", Evidence.PROVIDER_ACCOUNT, "Project at a model provider"),
    ClaimKind("llm_workspace", Evidence.PROVIDER_ACCOUNT, "Workspace at a model provider"),
    ClaimKind("llm_user", Evidence.PROVIDER_ACCOUNT, "User at a model provider who holds the key"),
    ClaimKind("anthropic_workspace_tag", Evidence.TAG, "Tag of an Anthropic workspace; the key follows the colon"),
    ClaimKind("llm_key_alias", Evidence.NAME_PATTERN, "Alias of a key"),
    ClaimKind(
        "llm_provider", Evidence.DEFAULT, "Model provider that billed it: a default for what nothing else explains"
    ),
)
SOURCE = Source(
    name="llm_providers",
    title="LLM providers",
    description="What OpenAI, Anthropic, OpenRouter and other model providers bill and count, by UTC day.",
    settings=ProviderSettings,
    tables=TABLES,
    slices=slices,
    ledger_sources=(
        LedgerSource("openai", freshness_sla_hours=48, has_tags=False, bills_llm_usage=True),
        LedgerSource("anthropic", freshness_sla_hours=48, has_tags=False, bills_llm_usage=True),
        LedgerSource("openrouter", freshness_sla_hours=48, has_tags=False, bills_llm_usage=True),
        # Files of several providers: each row's provider bills.
        LedgerSource("llm_costs", freshness_sla_hours=72, has_tags=False),
    ),
    claim_kinds=CLAIM_KINDS,
    kinds=("openai", "anthropic"),
)

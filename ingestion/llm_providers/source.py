"""LLM providers as a source: a slice is a provider's report of a closed UTC day; a month is fetched at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import dlt

from ingestion.columns import Table
from ingestion.errors import BadInput
from ingestion.lake import Known, Rows, Slice, Source
from ingestion.llm_providers.client import (
    ANTHROPIC_URL,
    OPENAI_URL,
    Anthropic,
    Bucket,
    OpenAi,
    closed_days,
    within,
)
from ingestion.llm_providers.shape import (
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    OPENAI_COSTS,
    OPENAI_PROJECTS,
    OPENAI_USAGE,
    TABLES,
    anthropic_cost,
    anthropic_usage,
    openai_cost,
    openai_project,
    openai_usage,
)
from ingestion.settings import Window


@dataclass(frozen=True)
class ProviderSettings:
    """`openai_admin_key`, `anthropic_admin_key`: a provider without a key is left out."""

    openai_admin_key: str | None = field(default=None, repr=False)
    anthropic_admin_key: str | None = field(default=None, repr=False)
    openai_base_url: str = OPENAI_URL
    anthropic_base_url: str = ANTHROPIC_URL


@dataclass
class Report:
    """A report of a month by days, fetched once, when its first day is read."""

    vendor: str
    table: Table
    fetch: Callable[[datetime, datetime], Iterator[Bucket]]
    row: Callable[[dict[str, Any], datetime], dict[str, Any]]
    days: list[datetime]
    fetched: dict[datetime, list[dict[str, Any]]] | None = None

    def rows(self, day: datetime) -> Iterable[Rows]:
        """The day's results. A day that the answer leaves out is empty."""
        if self.fetched is None:
            buckets = self.fetch(self.days[0], self.days[-1] + timedelta(days=1))
            self.fetched = within(buckets, self.days, self.vendor)
        try:
            found = [self.row(record, day) for record in self.fetched.get(day, [])]
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"{self.vendor} {self.table.name} of {day:%Y-%m-%d}: unexpected result ({error})"
            ) from error
        return [Rows(self.table, found)]


def _daily(
    window: Window, now: datetime, provider: str, kind: str, report: Callable[[list[datetime]], Report]
) -> Iterator[Slice]:
    for month in window.months:
        days = closed_days(month.start, month.end, now)
        if not days:
            continue
        content = report(days)
        for day in days:
            yield Slice(
                id=f"{provider}|{kind}|{day:%Y-%m-%d}",
                billing_period=str(month),
                start=day,
                end=day + timedelta(days=1),
                read=lambda day=day, content=content: content.rows(day),  # type: ignore[misc]
            )


def slices(settings: ProviderSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """Closed days of each provider that has a key, then its dimensions."""
    if settings.openai_admin_key:
        openai = OpenAi(settings.openai_admin_key, settings.openai_base_url)
        yield from _daily(
            window,
            now,
            "openai",
            "costs",
            lambda days: Report("OpenAI", OPENAI_COSTS, openai.costs, openai_cost, days),
        )
        yield from _daily(
            window,
            now,
            "openai",
            "usage",
            lambda days: Report("OpenAI", OPENAI_USAGE, openai.usage, openai_usage, days),
        )
        yield Slice(
            "openai|projects",
            None,
            window.start,
            now,
            lambda: [Rows(OPENAI_PROJECTS, [openai_project(record) for record in openai.projects()])],
        )
    if settings.anthropic_admin_key:
        anthropic = Anthropic(settings.anthropic_admin_key, settings.anthropic_base_url)
        yield from _daily(
            window,
            now,
            "anthropic",
            "costs",
            lambda days: Report("Anthropic", ANTHROPIC_COSTS, anthropic.costs, anthropic_cost, days),
        )
        yield from _daily(
            window,
            now,
            "anthropic",
            "usage",
            lambda days: Report("Anthropic", ANTHROPIC_USAGE, anthropic.usage, anthropic_usage, days),
        )


@dlt.source(name="llm_providers")
def llm_providers(delivery: list[Any]) -> list[Any]:
    """Costs and usage as the providers report them."""
    return delivery


SOURCE = Source(
    name="llm_providers",
    title="LLM providers",
    description="What OpenAI and Anthropic bill and count, by UTC day.",
    settings=ProviderSettings,
    tables=TABLES,
    slices=slices,
    dlt_source=llm_providers,
    promise_hours=48,
    kinds=("openai", "anthropic"),
)

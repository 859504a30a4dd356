"""Anthropic's reports and lists as slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.lake.columns import Table
from ingestion.lake.contract import Known, Rows, Slice
from ingestion.settings import Window
from ingestion.sources.llm_providers.admin_api import closed_days
from ingestion.sources.llm_providers.anthropic.analytics import (
    ANALYTICS_COSTS,
    ANALYTICS_USAGE,
    CLAUDE_CODE,
    CLAUDE_CODE_MODELS,
    analytics_costs,
    analytics_usage,
    claude_code,
    claude_code_models,
)
from ingestion.sources.llm_providers.anthropic.client import Anthropic
from ingestion.sources.llm_providers.anthropic.shape import (
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    anthropic_cost,
    anthropic_usage,
)
from ingestion.sources.llm_providers.entities import entity
from ingestion.sources.llm_providers.reports import (
    SHAPES,
    Fetched,
    Report,
    is_due,
    listed_slice,
    refused,
    shaped_rows,
    slices_by_day,
)

# The analytics family reports a year, and nothing from before it began.
ANALYTICS_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


ANALYTICS_REACH = timedelta(days=365)


def _analytics(anthropic: Anthropic, window: Window, now: datetime) -> Iterator[Slice]:
    """The groups of a day and what they lack to its total."""
    for month in window.months:
        days = [
            day
            for day in closed_days(month.start, month.end, now)
            if day >= ANALYTICS_BEGAN and day >= now - ANALYTICS_REACH
        ]
        if not days:
            continue
        for report, table, shaped in (
            ("cost_report", ANALYTICS_COSTS, analytics_costs),
            ("usage_report", ANALYTICS_USAGE, analytics_usage),
        ):
            groups, totals = (
                Fetched(
                    "Anthropic",
                    lambda start, end, of=report, grouped=grouped: anthropic.analytics(of, start, end, grouped),  # type: ignore[misc]
                    days,
                )
                for grouped in (True, False)
            )

            def read(
                day: datetime,
                groups: Fetched = groups,
                totals: Fetched = totals,
                table: Table = table,
                shaped: Callable[..., list[dict[str, Any]]] = shaped,
            ) -> Iterable[Rows]:
                try:
                    rows = shaped(groups.of(day), totals.of(day), day)
                except SHAPES as error:
                    raise refused("Anthropic", table, day, error) from None
                return [shaped_rows("Anthropic", table, day, rows, dict)]

            yield from slices_by_day(days, month, f"anthropic|analytics_{report.removesuffix('_report')}", read)


def _claude_code(anthropic: Anthropic, window: Window, known: Known, now: datetime) -> Iterator[Slice]:
    def read(day: datetime) -> Iterable[Rows]:
        try:
            records = list(anthropic.claude_code(day))
            models = [row for record in records for row in claude_code_models(record, day)]
        except SHAPES as error:
            raise refused("Anthropic", CLAUDE_CODE, day, error) from None
        return [
            shaped_rows("Anthropic", CLAUDE_CODE, day, records, lambda record: claude_code(record, day)),
            shaped_rows("Anthropic", CLAUDE_CODE_MODELS, day, models, dict),
        ]

    for month in window.months:
        days = closed_days(month.start, month.end, now)
        due = [day for day in days if is_due(day, f"anthropic|claude_code|{day:%Y-%m-%d}", known, now)]
        yield from slices_by_day(due, month, "anthropic|claude_code", read)


def anthropic_slices(anthropic: Anthropic, window: Window, known: Known, now: datetime) -> Iterator[Slice]:
    """Costs, usage, Claude Code and analytics by days; workspaces, keys, users, service accounts."""
    for month in window.months:
        days = closed_days(month.start, month.end, now)
        if not days:
            continue
        costs = Report(
            ANTHROPIC_COSTS, Fetched("Anthropic", anthropic.costs, days, is_expected=True), anthropic_cost
        )
        usage = Report(
            ANTHROPIC_USAGE, Fetched("Anthropic", anthropic.usage, days, is_expected=True), anthropic_usage
        )
        yield from slices_by_day(days, month, "anthropic|costs", lambda day, report=costs: [report.rows(day)])  # type: ignore[misc]
        yield from slices_by_day(days, month, "anthropic|usage", lambda day, report=usage: [report.rows(day)])  # type: ignore[misc]
    yield from _analytics(anthropic, window, now)
    yield from _claude_code(anthropic, window, known, now)
    for what, kind in (
        ("workspaces", "workspace"),
        ("api_keys", "api_key"),
        ("users", "user"),
        ("service_accounts", "service_account"),
    ):
        yield listed_slice(
            window,
            now,
            f"anthropic|{what}",
            lambda what=what, kind=kind: [  # type: ignore[misc]
                entity("anthropic", kind, record) for record in anthropic.organization(what)
            ],
        )

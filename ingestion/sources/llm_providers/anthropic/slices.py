"""Anthropic's reports and lists as slices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.lake.columns import Table
from ingestion.lake.contract import Known, Part, Rows, Slice
from ingestion.lake.records import typed
from ingestion.lake.rejected import SHAPES, Rejected, read_records
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
    anthropic_billed,
    anthropic_cost,
    anthropic_usage,
)
from ingestion.sources.llm_providers.entities import entity
from ingestion.sources.llm_providers.reports import (
    Fetched,
    Report,
    is_due,
    listed_slice,
    refused,
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
            ) -> Iterable[Part]:
                rejected = Rejected()
                try:
                    rows = shaped(groups.of(day), totals.of(day), day, rejected)
                except SHAPES as error:
                    raise refused("Anthropic", table, day, error) from None
                return [Rows(table, rows), *rejected.parts()]

            yield from slices_by_day(days, month, f"anthropic|analytics_{report.removesuffix('_report')}", read)


def _claude_code(anthropic: Anthropic, window: Window, known: Known, now: datetime) -> Iterator[Slice]:
    def read(day: datetime) -> Iterable[Part]:
        try:
            records = list(anthropic.claude_code(day))
        except SHAPES as error:
            raise refused("Anthropic", CLAUDE_CODE, day, error) from None
        models: list[dict[str, Any]] = []

        def row(record: dict[str, Any], where: str) -> dict[str, Any]:
            found = typed(CLAUDE_CODE, claude_code(record, day), where)
            of_record = [typed(CLAUDE_CODE_MODELS, model, where) for model in claude_code_models(record, day)]
            models.extend(of_record)
            return found

        place = f"Anthropic {CLAUDE_CODE.name} of {day:%Y-%m-%d}"
        return [*read_records(CLAUDE_CODE, records, place, row), Rows(CLAUDE_CODE_MODELS, models)]

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
            ANTHROPIC_COSTS,
            Fetched("Anthropic", anthropic.costs, days, is_expected=True),
            anthropic_cost,
            anthropic_billed,
        )
        usage = Report(
            ANTHROPIC_USAGE, Fetched("Anthropic", anthropic.usage, days, is_expected=True), anthropic_usage
        )
        yield from slices_by_day(days, month, "anthropic|costs", lambda day, report=costs: report.parts(day))  # type: ignore[misc]
        yield from slices_by_day(days, month, "anthropic|usage", lambda day, report=usage: report.parts(day))  # type: ignore[misc]
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
            lambda what=what: anthropic.organization(what),  # type: ignore[misc]
            lambda record, kind=kind: entity("anthropic", kind, record),  # type: ignore[misc]
        )

"""OpenAI's reports and lists as slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ingestion.lake.contract import Rows, Slice
from ingestion.settings import Window
from ingestion.sources.llm_providers.admin_api import closed_days
from ingestion.sources.llm_providers.entities import entity
from ingestion.sources.llm_providers.openai.client import OpenAi
from ingestion.sources.llm_providers.openai.shape import OPENAI_COSTS, OPENAI_USAGE, openai_cost, openai_usage
from ingestion.sources.llm_providers.openai.usage_endpoints import ENDPOINTS, OPENAI_OTHER_USAGE, other_usage
from ingestion.sources.llm_providers.reports import Fetched, Report, listed_slice, slices_by_day


def openai_slices(openai: OpenAi, window: Window, now: datetime) -> Iterator[Slice]:
    """Costs, usage of completions, usage of everything else by days; projects, keys, service accounts, users."""
    for month in window.months:
        days = closed_days(month.start, month.end, now)
        if not days:
            continue
        costs = Report(OPENAI_COSTS, Fetched("OpenAI", openai.costs, days, is_expected=True), openai_cost)
        usage = Report(OPENAI_USAGE, Fetched("OpenAI", openai.usage, days, is_expected=True), openai_usage)
        others = [
            Report(
                OPENAI_OTHER_USAGE,
                Fetched("OpenAI", lambda start, end, of=endpoint: openai.other_usage(of, start, end), days),  # type: ignore[misc]
                lambda record, day, of=endpoint: other_usage(of, record, day),  # type: ignore[misc]
            )
            for endpoint in ENDPOINTS
        ]

        def other(day: datetime, others: list[Report] = others) -> Iterable[Rows]:
            return [report.rows(day) for report in others]

        yield from slices_by_day(days, month, "openai|costs", lambda day, report=costs: [report.rows(day)])  # type: ignore[misc]
        yield from slices_by_day(days, month, "openai|usage", lambda day, report=usage: [report.rows(day)])  # type: ignore[misc]
        yield from slices_by_day(days, month, "openai|other_usage", other)

    def projects() -> list[dict[str, Any]]:
        return [entity("openai", "project", record) for record in openai.projects()]

    def of_projects(what: str, kind: str) -> list[dict[str, Any]]:
        return [
            entity("openai", kind, record, project["id"])
            for project in openai.projects()
            for record in openai.of_project(project["id"], what)
        ]

    yield listed_slice(window, now, "openai|projects", projects)
    for what, kind in (("api_keys", "api_key"), ("service_accounts", "service_account")):
        yield listed_slice(window, now, f"openai|{what}", lambda what=what, kind=kind: of_projects(what, kind))  # type: ignore[misc]
    for what, kind in (("users", "user"), ("admin_api_keys", "admin_api_key")):
        yield listed_slice(
            window,
            now,
            f"openai|{what}",
            lambda what=what, kind=kind: [entity("openai", kind, record) for record in openai.organization(what)],  # type: ignore[misc]
        )

"""OpenAI's reports and lists as slices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ingestion.lake.contract import Part, Slice
from ingestion.settings import Window
from ingestion.sources.llm_providers.admin_api import closed_days
from ingestion.sources.llm_providers.entities import entity
from ingestion.sources.llm_providers.openai.client import OpenAi
from ingestion.sources.llm_providers.openai.shape import (
    OPENAI_COSTS,
    OPENAI_USAGE,
    openai_billed,
    openai_cost,
    openai_usage,
)
from ingestion.sources.llm_providers.openai.usage_endpoints import ENDPOINTS, OPENAI_OTHER_USAGE, other_usage
from ingestion.sources.llm_providers.reports import Fetched, Report, listed_slice, slices_by_day


def openai_slices(openai: OpenAi, window: Window, now: datetime) -> Iterator[Slice]:
    """Costs, usage of completions, usage of everything else by days; projects, keys, service accounts, users."""
    for month in window.months:
        days = closed_days(month.start, month.end, now)
        if not days:
            continue
        costs = Report(
            OPENAI_COSTS, Fetched("OpenAI", openai.costs, days, is_expected=True), openai_cost, openai_billed
        )
        usage = Report(OPENAI_USAGE, Fetched("OpenAI", openai.usage, days, is_expected=True), openai_usage)
        others = [
            Report(
                OPENAI_OTHER_USAGE,
                Fetched("OpenAI", lambda start, end, of=endpoint: openai.other_usage(of, start, end), days),  # type: ignore[misc]
                lambda record, day, of=endpoint: other_usage(of, record, day),  # type: ignore[misc]
            )
            for endpoint in ENDPOINTS
        ]

        def other(day: datetime, others: list[Report] = others) -> Iterable[Part]:
            return [part for report in others for part in report.parts(day)]

        yield from slices_by_day(days, month, "openai|costs", lambda day, report=costs: report.parts(day))  # type: ignore[misc]
        yield from slices_by_day(days, month, "openai|usage", lambda day, report=usage: report.parts(day))  # type: ignore[misc]
        yield from slices_by_day(days, month, "openai|other_usage", other)

    def of_projects(what: str) -> Iterator[Any]:
        """The records of each project that can be read, with its id; the others are set aside with the list of projects."""
        for project in openai.projects():
            if isinstance(project, dict) and project.get("id"):
                for record in openai.of_project(project["id"], what):
                    yield {"project_id": project["id"], "listed": record}

    yield listed_slice(
        window, now, "openai|projects", openai.projects, lambda record: entity("openai", "project", record)
    )
    for what, kind in (("api_keys", "api_key"), ("service_accounts", "service_account")):
        yield listed_slice(
            window,
            now,
            f"openai|{what}",
            lambda what=what: of_projects(what),  # type: ignore[misc]
            lambda record, kind=kind: entity("openai", kind, record["listed"], record["project_id"]),  # type: ignore[misc]
        )
    for what, kind in (("users", "user"), ("admin_api_keys", "admin_api_key")):
        yield listed_slice(
            window,
            now,
            f"openai|{what}",
            lambda what=what: openai.organization(what),  # type: ignore[misc]
            lambda record, kind=kind: entity("openai", kind, record),  # type: ignore[misc]
        )

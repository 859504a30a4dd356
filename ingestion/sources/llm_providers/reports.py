"""OpenAI's and Anthropic's reports and lists as slices: a month is fetched at once, when its first day is read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Table
from ingestion.lake.contract import Known, Rows, Slice
from ingestion.lake.faults import fault
from ingestion.lake.records import typed
from ingestion.settings import Month, Window
from ingestion.sources.llm_providers.analytics import (
    ANALYTICS_COSTS,
    ANALYTICS_USAGE,
    CLAUDE_CODE,
    CLAUDE_CODE_MODELS,
    analytics_costs,
    analytics_usage,
    claude_code,
    claude_code_models,
)
from ingestion.sources.llm_providers.client import Anthropic, Bucket, OpenAi, closed_days, within
from ingestion.sources.llm_providers.entities import ENTITIES, entity
from ingestion.sources.llm_providers.openai_usage import ENDPOINTS, OPENAI_OTHER_USAGE, other_usage
from ingestion.sources.llm_providers.parse import Row
from ingestion.sources.llm_providers.shape import (
    ANTHROPIC_COSTS,
    ANTHROPIC_USAGE,
    OPENAI_COSTS,
    OPENAI_USAGE,
    anthropic_cost,
    anthropic_usage,
    openai_cost,
    openai_usage,
)

Fetch = Callable[[datetime, datetime], Iterator[Bucket]]
_log = logging.getLogger(__name__)

# What Python says of a result that is not shaped as documented.
SHAPES = (KeyError, TypeError, AttributeError, ValueError)
# Fields that the code asks for: of a KeyError no other name is fit to be shown.
ASKED_FOR = frozenset({"data", "results", "start_time", "starting_at", "id"})

# What restates is asked for again: the last days daily, and the month that ended until it has settled.
TRAILING_DAYS = 7
SETTLING_DAYS = 5
# The analytics family tells of a year, and of nothing before it began.
ANALYTICS_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
ANALYTICS_REACH = timedelta(days=365)


@dataclass
class Fetched:
    """A report of some days in one call, made when the first of them is read."""

    vendor: str
    fetch: Fetch
    days: list[datetime]
    found: dict[datetime, list[dict[str, Any]]] | None = None
    failed: Exception | None = None
    is_expected: bool = False

    def of(self, day: datetime) -> list[dict[str, Any]]:
        """The day's results; a day that the answer leaves out is empty. Raises NoData where there is no report."""
        if self.failed:
            raise self.failed
        if self.found is None:
            try:
                buckets = self.fetch(self.days[0], self.days[-1] + timedelta(days=1))
                self.found = within(buckets, self.days, self.vendor)
            except Exception as error:
                # Whatever it was, the days are asked for once and not each by itself.
                self.failed = error
                raise
            if self.is_expected and not any(self.found.values()):
                _log.warning(
                    "%s: nothing from %s on: an admin key sees its own organization only; is it the right one?",
                    self.vendor,
                    f"{self.days[0]:%Y-%m-%d}",
                )
        return self.found.get(day, [])


def unexpected(error: Exception) -> str:
    """What is wrong with an answer of another shape, with the field where one that the code asks for is absent."""
    absent = error.args[0] if isinstance(error, KeyError) and error.args else None
    return f"no {absent}" if absent in ASKED_FOR else fault(error)


def _refused(vendor: str, table: Table, day: datetime, error: Exception, number: int | None = None) -> BadInput:
    place = f", result {number}" if number else ""
    return BadInput(f"{vendor} {table.name} of {day:%Y-%m-%d}{place}: {unexpected(error)}")


def shaped_rows(
    vendor: str, table: Table, day: datetime, records: Iterable[Any], row: Callable[[Any], dict[str, Any]]
) -> Rows:
    """A day's records as rows. Raises BadInput, with the record's number, for one that is not as documented."""
    rows = []
    for number, record in enumerate(records, start=1):
        try:
            rows.append(typed(table, row(record), f"{vendor} {table.name} of {day:%Y-%m-%d}"))
        except BadInput as error:
            raise BadInput(f"{error} (result {number})") from None
        except SHAPES as error:
            raise _refused(vendor, table, day, error, number) from None
    return Rows(table, rows)


@dataclass
class Report:
    """A report by days, as rows of a table. Raises BadInput for a result that is not shaped as documented."""

    table: Table
    fetched: Fetched
    row: Row

    def rows(self, day: datetime) -> Rows:
        try:
            records = self.fetched.of(day)
        except SHAPES as error:
            raise _refused(self.fetched.vendor, self.table, day, error) from None
        return shaped_rows(self.fetched.vendor, self.table, day, records, lambda record: self.row(record, day))


def _days(
    days: list[datetime], month: Month, prefix: str, read: Callable[[datetime], Iterable[Rows]]
) -> Iterator[Slice]:
    for day in days:
        yield Slice(
            id=f"{prefix}|{day:%Y-%m-%d}",
            billing_period=str(month),
            start=day,
            end=day + timedelta(days=1),
            read=lambda day=day: read(day),  # type: ignore[misc]
        )


def is_due(day: datetime, identifier: str, known: Known, now: datetime) -> bool:
    """Whether a report that takes a call a day is asked for a day: it is new, or may still be restated."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    is_of_last_month = Month.of(day) == Month.of(now).plus(-1)
    return (
        identifier not in known
        or day >= today - timedelta(days=TRAILING_DAYS)
        or (now.day <= SETTLING_DAYS and is_of_last_month)
    )


def _list(window: Window, now: datetime, identifier: str, rows: Callable[[], list[dict[str, Any]]]) -> Slice:
    def read() -> Iterable[Rows]:
        try:
            return [Rows(ENTITIES, [typed(ENTITIES, row, identifier) for row in rows()])]
        except SHAPES as error:
            raise BadInput(f"{identifier}: {unexpected(error)}") from None

    return Slice(identifier, None, window.start, now, read)


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

        yield from _days(days, month, "openai|costs", lambda day, report=costs: [report.rows(day)])  # type: ignore[misc]
        yield from _days(days, month, "openai|usage", lambda day, report=usage: [report.rows(day)])  # type: ignore[misc]
        yield from _days(days, month, "openai|other_usage", other)

    def projects() -> list[dict[str, Any]]:
        return [entity("openai", "project", record) for record in openai.projects()]

    def of_projects(what: str, kind: str) -> list[dict[str, Any]]:
        return [
            entity("openai", kind, record, project["id"])
            for project in openai.projects()
            for record in openai.of_project(project["id"], what)
        ]

    yield _list(window, now, "openai|projects", projects)
    for what, kind in (("api_keys", "api_key"), ("service_accounts", "service_account")):
        yield _list(window, now, f"openai|{what}", lambda what=what, kind=kind: of_projects(what, kind))  # type: ignore[misc]
    for what, kind in (("users", "user"), ("admin_api_keys", "admin_api_key")):
        yield _list(
            window,
            now,
            f"openai|{what}",
            lambda what=what, kind=kind: [entity("openai", kind, record) for record in openai.organization(what)],  # type: ignore[misc]
        )


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
                    raise _refused("Anthropic", table, day, error) from None
                return [shaped_rows("Anthropic", table, day, rows, dict)]

            yield from _days(days, month, f"anthropic|analytics_{report.removesuffix('_report')}", read)


def _claude_code(anthropic: Anthropic, window: Window, known: Known, now: datetime) -> Iterator[Slice]:
    def read(day: datetime) -> Iterable[Rows]:
        try:
            records = list(anthropic.claude_code(day))
            models = [row for record in records for row in claude_code_models(record, day)]
        except SHAPES as error:
            raise _refused("Anthropic", CLAUDE_CODE, day, error) from None
        return [
            shaped_rows("Anthropic", CLAUDE_CODE, day, records, lambda record: claude_code(record, day)),
            shaped_rows("Anthropic", CLAUDE_CODE_MODELS, day, models, dict),
        ]

    for month in window.months:
        days = closed_days(month.start, month.end, now)
        due = [day for day in days if is_due(day, f"anthropic|claude_code|{day:%Y-%m-%d}", known, now)]
        yield from _days(due, month, "anthropic|claude_code", read)


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
        yield from _days(days, month, "anthropic|costs", lambda day, report=costs: [report.rows(day)])  # type: ignore[misc]
        yield from _days(days, month, "anthropic|usage", lambda day, report=usage: [report.rows(day)])  # type: ignore[misc]
    yield from _analytics(anthropic, window, now)
    yield from _claude_code(anthropic, window, known, now)
    for what, kind in (
        ("workspaces", "workspace"),
        ("api_keys", "api_key"),
        ("users", "user"),
        ("service_accounts", "service_account"),
    ):
        yield _list(
            window,
            now,
            f"anthropic|{what}",
            lambda what=what, kind=kind: [  # type: ignore[misc]
                entity("anthropic", kind, record) for record in anthropic.organization(what)
            ],
        )

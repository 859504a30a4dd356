"""Vercel as a source: a slice is a team and Los Angeles day; a month is fetched with one call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import dlt

from ingestion.errors import BadInput
from ingestion.lake import Known, NoData, Rows, Slice, Source
from ingestion.settings import Month, Window
from ingestion.vercel.client import BASE_URL, Vercel
from ingestion.vercel.shape import (
    CHARGES,
    PROJECTS,
    TABLES,
    TEAMS,
    charge_row,
    project_row,
    team_row,
)

# Vercel's billing days are Los Angeles days, 08:00Z in winter and 07:00Z in summer.
BILLING_ZONE = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class VercelSettings:
    """`token`: an access token whose role sees billing; `team_id`: the team to be billed for."""

    token: str = field(repr=False)
    team_id: str
    base_url: str = BASE_URL


def midnight(day: date) -> datetime:
    """The instant at which a billing day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=BILLING_ZONE).astimezone(UTC)


def billing_day(moment: datetime) -> date:
    return moment.astimezone(BILLING_ZONE).date()


class MonthOfCharges:
    """A month's charges by day, fetched once, when the first of its days is read."""

    def __init__(self, vercel: Vercel, days: list[date]) -> None:
        self.vercel = vercel
        self.days = days
        self.fetched: dict[date, list[dict[str, Any]]] | None = None
        self.failed: Exception | None = None

    def _fetch(self) -> dict[date, list[dict[str, Any]]]:
        by_day: dict[date, list[dict[str, Any]]] = {}
        end = midnight(self.days[-1] + timedelta(days=1))
        for number, record in enumerate(self.vercel.charges(midnight(self.days[0]), end), start=1):
            where = f"Vercel /v1/billing/charges, record {number}"
            try:
                day = billing_day(datetime.fromisoformat(str(record["ChargePeriodStart"])))
            except (KeyError, ValueError) as error:
                raise BadInput(f"{where}: no usable ChargePeriodStart") from error
            by_day.setdefault(day, []).append(charge_row(record, self.vercel.team_id, day, where))
        return by_day

    def rows(self, day: date) -> list[Rows]:
        """A day's charges. Raises what the month's fetch raised, for every day of it."""
        if self.failed:
            raise self.failed
        if self.fetched is None:
            try:
                self.fetched = self._fetch()
            except (BadInput, NoData) as error:
                self.failed = error
                raise
        return [Rows(CHARGES, self.fetched.get(day, []))]


def slices(settings: VercelSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The window's billing days that are over, then the teams and projects as they are now."""
    vercel = Vercel(settings.token, settings.team_id, settings.base_url)
    today = billing_day(now)
    for month in window.months:
        first, after = date(month.year, month.month, 1), month.plus(1)
        last = min(date(after.year, after.month, 1), today) - timedelta(days=1)
        days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
        if not days:
            continue
        content = MonthOfCharges(vercel, days)
        for day in days:
            yield Slice(
                id=f"charges|{settings.team_id}|{day.isoformat()}",
                billing_period=str(Month(day.year, day.month)),
                start=midnight(day),
                end=midnight(day + timedelta(days=1)),
                read=lambda day=day, content=content: content.rows(day),  # type: ignore[misc]
            )
    yield Slice(
        f"teams|{settings.team_id}",
        None,
        window.start,
        now,
        lambda: [Rows(TEAMS, [team_row(record) for record in vercel.teams()])],
    )
    yield Slice(
        f"projects|{settings.team_id}",
        None,
        window.start,
        now,
        lambda: [Rows(PROJECTS, [project_row(record) for record in vercel.projects()])],
    )


@dlt.source(name="vercel")
def vercel(delivery: list[Any]) -> list[Any]:
    """Billing charges by team and day, teams and projects."""
    return delivery


SOURCE = Source(
    name="vercel",
    title="Vercel",
    description="Vercel's daily billing charges (FOCUS-shaped), teams and projects.",
    settings=VercelSettings,
    tables=TABLES,
    slices=slices,
    dlt_source=vercel,
    promise_hours=48,
    kinds=("vercel",),
)

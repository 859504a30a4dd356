"""Vercel as a source: a slice of charges is a team and Los Angeles day; a month is fetched with one call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.errors import BadInput, SettingError
from ingestion.lake.contract import Known, LedgerSource, NoData, Part, Remark, Rows, Slice, Source
from ingestion.lake.lists import NotListed, of_each
from ingestion.lake.plausible import EARLIEST, latest_time
from ingestion.lake.records import moment, record
from ingestion.lake.rejected import SHAPES, Rejected, read_records
from ingestion.setting_table import about
from ingestion.settings import Window
from ingestion.sources.vercel.client import AI_GATEWAY_URL, BASE_URL, AiGateway, Vercel
from ingestion.sources.vercel.shape import (
    ACCESS_GROUP_PROJECTS,
    ACCESS_GROUPS,
    AI_GATEWAY_CREDITS,
    AI_GATEWAY_REPORT,
    CHARGES,
    CLAIM_KINDS,
    CONTRACT_COMMITMENTS,
    DIMENSIONS,
    MEMBERS,
    PROJECTS,
    TABLES,
    TEAMS,
    Fields,
    access_group_project_row,
    access_group_row,
    ai_gateway_credits_row,
    ai_gateway_row,
    billed,
    charge_row,
    commitment_row,
    member_row,
    project_row,
    team_row,
)

CHARGES_OF = "Vercel /v1/billing/charges"
# A day of the AI Gateway's report is final so long after its end.
SETTLED = timedelta(days=2)
# Vercel's billing days are Los Angeles days, 08:00Z in winter and 07:00Z in summer.
BILLING_ZONE = ZoneInfo("America/Los_Angeles")


@dataclass(frozen=True)
class VercelSettings:
    """Teams, and a token that reads their billing."""

    token: str = field(repr=False, metadata=about("an access token of a role that sees billing"))
    team_id: tuple[str, ...] = field(
        metadata=about("the teams that are billed, `team_…`, with commas between them")
    )
    base_url: str = field(default=BASE_URL, metadata=about("the API's address"))
    ai_gateway_key: str | None = field(
        default=None, repr=False, metadata=about("an API key of the AI Gateway, for its report of usage")
    )
    ai_gateway_dimensions: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "what the report is requested by: any of day, user, model, tag, provider, credential_type; none: not at all. Vercel "
            "charges 5 USD for 1,000 queries: a query a day and dimension, so one dimension costs about 0.15 USD a month"
        ),
    )
    ai_gateway_url: str = field(default=AI_GATEWAY_URL, metadata=about("the AI Gateway's address"))


def midnight(day: date) -> datetime:
    """The instant at which a billing day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=BILLING_ZONE).astimezone(UTC)


def billing_day(moment: datetime) -> date:
    return moment.astimezone(BILLING_ZONE).date()


@dataclass(frozen=True)
class _Charge:
    """A row of an answer: its number there, its billing day, and what becomes of it."""

    number: int
    day: date
    row: dict[str, Any]


@dataclass
class _Answer:
    """What Vercel answered for a month, by billing day; days that were not requested are among them."""

    charges: dict[date, list[_Charge]] = field(default_factory=lambda: defaultdict(list))
    rejected: dict[date, Rejected] = field(default_factory=lambda: defaultdict(Rejected))
    fields: dict[date, Fields] = field(default_factory=lambda: defaultdict(Fields))

    def rows(self, day: date) -> list[dict[str, Any]]:
        """The rows of a day."""
        return [charge.row for charge in self.charges.get(day, ())]

    def count(self, day: date) -> int:
        """The records of a day, with those that are set aside."""
        rejected = self.rejected.get(day)
        return len(self.charges.get(day, ())) + (len(rejected.records) if rejected else 0)


class MonthOfCharges:
    """A month's charges by day, fetched once, when the first of its days is read, and kept until the last one is.

    `months` are all months of the refresh, by day: a row of a day that another month asks for counts there. `delivered` is
    the number of records that each day's last delivery has.
    """

    def __init__(
        self,
        vercel: Vercel,
        days: list[date],
        months: dict[date, MonthOfCharges],
        today: date,
        delivered: Mapping[date, int],
    ) -> None:
        self.vercel = vercel
        self.days = days
        self.months = months
        self.today = today
        self.delivered = delivered
        self.answer: _Answer | None = None
        self.failed: Exception | None = None
        # Of an answer that can't be taken; what other months have in it counts all the same.
        self.refused: Exception | None = None
        # Of the answer once it is checked: the days that keep their last delivery.
        self.short: set[date] | None = None
        months.update(dict.fromkeys(days, self))

    def _fetch(self) -> _Answer:
        answer = _Answer()
        undated = Rejected()
        own = set(self.days)
        end = midnight(self.days[-1] + timedelta(days=1))
        for number, answered in enumerate(self.vercel.charges(midnight(self.days[0]), end), start=1):
            where = f"{CHARGES_OF}, record {number}"
            day = self._day_of(answered)
            rejected = answer.rejected[day] if day in own and day is not None else undated
            if day in self.months and day not in own:
                rejected = Rejected()  # that month's answer has the record too
            with rejected.aside(where, lambda answered=answered: billed(answered)):  # type: ignore[misc]
                row = charge_row(record(answered, where), self.vercel.team_id, day, where)
                if day is None or not EARLIEST <= row["charge_period_start"] <= latest_time():
                    raise BadInput(f"{where}, ChargePeriodStart: of a year in which no vendor bills")
                answer.fields[day].add(answered)
                answer.charges[day].append(_Charge(number, day, row))
        # Records without a readable day are listed with the first day that has others.
        first = min((day for day in answer.charges if day in own), default=self.days[0])
        answer.rejected[first].records += undated.records
        return answer

    @staticmethod
    def _day_of(answered: Any) -> date | None:
        """The billing day of a record; None where it can't be read."""
        try:
            return billing_day(moment(answered["ChargePeriodStart"], ""))
        except (BadInput, *SHAPES):
            return None

    def _answered(self) -> _Answer:
        """What Vercel answered. Raises what the fetch raised, each time."""
        if self.failed:
            raise self.failed
        if self.answer is None:
            try:
                self.answer = self._fetch()
            except Exception as error:
                # Whatever it was, the month is asked for once and not once a day.
                self.failed = error
                raise
        return self.answer

    def _check(self, answer: _Answer) -> None:
        """Raise BadInput for a row of a day that was not asked for, unless that day has it too: no money is dropped.

        Vercel documents `from` as inclusive and `to` as exclusive. A day that is not over is asked for when it is. Raises
        NoData for an answer without any row.
        """
        for day, charges in sorted(answer.charges.items()):
            if day in self.days or day >= self.today:
                continue
            there = self._elsewhere(day)
            for charge in charges:
                if charge.row not in there:
                    raise BadInput(
                        f"{CHARGES_OF} from {self.days[0]} to {self.days[-1]}, record {charge.number}: its start is of "
                        f"{day}, which was not asked for; refresh from the month of {day} on, and if it is not there "
                        "either, ask Vercel"
                    )
                there.remove(charge.row)
        if not any(map(answer.count, self.days)):
            raise NoData(
                f"Vercel's answer of {self.days[0]} to {self.days[-1]} is empty, which does not mean no usage"
            )

    def _elsewhere(self, day: date) -> list[dict[str, Any]]:
        """The rows of a day of another month, as that month's answer has them; none where it is not asked for."""
        try:
            return self.months[day]._answered().rows(day) if day in self.months else []
        except NoData:
            return []

    def _short_days(self, answer: _Answer) -> set[date]:
        """The days of which an answer has fewer records than their last delivery, and which keep that one.

        An answer has no end mark: it may be cut off between two lines. One that lacks a day that was delivered before was
        cut off. Otherwise the month is asked for again, and a day is taken where both answers have as many records of it.
        """
        short = {day for day, count in self.delivered.items() if answer.count(day) < count}
        if not short or any(not answer.count(day) for day in short):
            return short
        try:
            again = self._fetch()
        except (BadInput, NoData):
            return short
        return {day for day in short if again.count(day) != answer.count(day)}

    def rows(self, day: date) -> list[Part]:
        """A day's charges, and its records that are set aside. Raises what the month's fetch raised, for every day of it."""
        if self.refused:
            raise self.refused
        answer = self._answered()
        if self.short is None:
            try:
                self._check(answer)
            except (BadInput, NoData) as error:
                self.refused = error
                raise
            self.short = self._short_days(answer)
        if day == self.days[-1]:
            self.answer = None  # a long history is not kept in memory
        if day in self.short:
            raise NoData(
                f"Vercel's answer of {self.days[0]} to {self.days[-1]} has {answer.count(day)} charges of {day}, and "
                f"{self.delivered[day]} were delivered before: it was cut off; the last delivery stays"
            )
        found, rejected = answer.rows(day), answer.rejected[day]
        rejected.check(len(found))
        remark = answer.fields[day].remark()
        return [Rows(CHARGES, found), *rejected.parts(), *([Remark(remark)] if remark else [])]


def _charges(vercel: Vercel, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The window's billing days that are over."""
    today = billing_day(now)
    months: dict[date, MonthOfCharges] = {}
    for month in window.months:
        first, after = date(month.year, month.month, 1), month.plus(1)
        last = min(date(after.year, after.month, 1), today) - timedelta(days=1)
        days = {
            first + timedelta(days=offset): f"charges|{vercel.team_id}|{first + timedelta(days=offset)}"
            for offset in range((last - first).days + 1)
        }
        if not days:
            continue
        delivered = {day: known[slice_id].row_count for day, slice_id in days.items() if slice_id in known}
        content = MonthOfCharges(vercel, [*days], months, today, delivered)
        for day, slice_id in days.items():
            yield Slice(
                slice_id,
                str(month),
                midnight(day),
                midnight(day + timedelta(days=1)),
                lambda day=day, content=content: content.rows(day),  # type: ignore[misc]
            )


def _projects(vercel: Vercel) -> list[Part]:
    """The team's projects with the access groups that have a role in them, of one moment.

    Without access to the groups the projects land alone, with a remark. A group that was deleted meanwhile has none.
    """
    rejected = Rejected()
    projects = rejected.rows(vercel.projects(), "Vercel projects", project_row)
    groups: list[dict[str, Any]] = []
    roles: list[dict[str, Any]] = []
    remarks: list[Part] = []
    try:
        groups = rejected.rows(
            vercel.access_groups(),
            "Vercel access groups",
            lambda found, where: access_group_row(found, vercel.team_id, where),
        )
        by_id = {group["access_group_id"]: group for group in groups}
        roles = of_each(
            rejected,
            by_id,
            vercel.projects_of_group,
            "Vercel projects of access group",
            lambda found, group, where: access_group_project_row(found, by_id[group], where),
        )
    except NotListed as reason:
        groups, roles = [], []
        remarks.append(Remark(f"without access groups: {reason}"))
    return [
        Rows(PROJECTS, [{**row, "has_access_groups": not remarks} for row in projects]),
        Rows(ACCESS_GROUPS, groups),
        Rows(ACCESS_GROUP_PROJECTS, roles),
        *rejected.parts(),
        *remarks,
    ]


def _lists(vercel: Vercel, window: Window, now: datetime) -> Iterable[Slice]:
    """The team and what it has, as they are now: each list is a slice."""
    team_id = vercel.team_id
    reads: dict[str, Callable[[], Iterable[Part]]] = {
        "teams": lambda: read_records(TEAMS, vercel.teams(), "Vercel teams", team_row),
        "projects": lambda: _projects(vercel),
        "members": lambda: read_records(
            MEMBERS,
            vercel.members(),
            "Vercel members",
            lambda found, where: member_row(found, team_id, where),
        ),
        "contract_commitments": lambda: read_records(
            CONTRACT_COMMITMENTS,
            vercel.commitments(),
            "Vercel contract commitments",
            lambda found, where: commitment_row(found, team_id, where),
        ),
    }
    for name, read in reads.items():
        yield Slice(f"{name}|{team_id}", None, window.start, now, read)


def _ai_gateway(settings: VercelSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """The AI Gateway's report: a slice is a UTC day and dimension, requested until the day is over for two days."""
    unknown = [name for name in settings.ai_gateway_dimensions if name not in DIMENSIONS]
    if unknown:
        raise SettingError(
            f"sources.vercel.ai_gateway_dimensions: {unknown[0]!r} is none of {', '.join(DIMENSIONS)}"
        )
    if not settings.ai_gateway_dimensions:
        return
    if not settings.ai_gateway_key:
        raise SettingError("sources.vercel.ai_gateway_dimensions needs sources.vercel.ai_gateway_key")
    gateway = AiGateway(settings.ai_gateway_key, settings.ai_gateway_url)
    today = now.astimezone(UTC).date()

    def read_credits() -> list[Part]:
        where = "Vercel AI Gateway credits"
        return [Rows(AI_GATEWAY_CREDITS, [ai_gateway_credits_row(gateway.credits(), now, where)])]

    yield Slice(f"ai_gateway_credits|{today}", None, window.start, now, read_credits)
    first, last = window.start.date(), min(window.end.date(), today)
    days = [first + timedelta(days=number) for number in range((last - first).days)]
    for day in days:
        for dimension in settings.ai_gateway_dimensions:
            slice_id = f"ai_gateway|{dimension}|{day}"
            end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
            if slice_id in known and known[slice_id].extracted_at >= end + SETTLED:
                continue  # each query is charged

            def read(day: date = day, dimension: str = dimension) -> list[Part]:
                parts = read_records(
                    AI_GATEWAY_REPORT,
                    gateway.report(day, dimension),
                    f"Vercel AI Gateway report of {day} by {dimension}",
                    lambda found, where: ai_gateway_row(found, day, dimension, where),
                )
                return [*parts, Remark("one query of the report, for which Vercel charges 0.005 USD")]

            yield Slice(slice_id, None, end - timedelta(days=1), end, read)


def slices(settings: VercelSettings, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    """Of each team its charges, and then its lists, which cost the charges nothing; then the AI Gateway's report."""
    for team_id in dict.fromkeys(settings.team_id):
        vercel = Vercel(settings.token, team_id, settings.base_url)
        yield from _charges(vercel, window, known, now)
        yield from _lists(vercel, window, now)
    yield from _ai_gateway(settings, window, known, now)


SOURCE = Source(
    name="vercel",
    title="Vercel",
    description="Vercel's daily billing charges and contract commitments (FOCUS), teams, projects, members and access groups.",
    settings=VercelSettings,
    tables=TABLES,
    slices=slices,
    ledger_sources=(LedgerSource("vercel", freshness_sla_hours=48, has_tags=False, bills_llm_usage=True),),
    claim_kinds=CLAIM_KINDS,
    kinds=("vercel",),
)

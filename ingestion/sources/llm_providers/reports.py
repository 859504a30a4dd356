"""A provider's reports and lists as slices: the days of a month are fetched at once, when the first of them is read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Table
from ingestion.lake.contract import Known, Part, Slice
from ingestion.lake.faults import fault
from ingestion.lake.records import typed
from ingestion.lake.rejected import SHAPES, Money, read_records
from ingestion.settings import Month, Window
from ingestion.sources.llm_providers.admin_api import Bucket, within
from ingestion.sources.llm_providers.entities import ENTITIES
from ingestion.sources.llm_providers.records import Row

Fetch = Callable[[datetime, datetime], Iterator[Bucket]]
_log = logging.getLogger(__name__)

# Fields that the code asks for: of a KeyError no other name is fit to be shown.
ASKED_FOR = frozenset({"data", "results", "start_time", "starting_at", "id"})

# What restates is asked for again: the last days daily, and the month that ended until it has settled.
TRAILING_DAYS = 7
SETTLING_DAYS = 5


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


def refused(vendor: str, table: Table, day: datetime, error: Exception) -> BadInput:
    return BadInput(f"{vendor} {table.name} of {day:%Y-%m-%d}: {unexpected(error)}")


def shaped_rows(
    vendor: str,
    table: Table,
    day: datetime,
    records: Iterable[Any],
    row: Callable[[Any], dict[str, Any]],
    money: Callable[[Any], Money] | None = None,
) -> list[Part]:
    """A day's records as rows, and those that are set aside because they are not as documented.

    `money` is what a record bills. Raises BadInput where none of several records can be read, or too many can't.
    """
    place = f"{vendor} {table.name} of {day:%Y-%m-%d}"
    return read_records(table, records, place, lambda record, where: typed(table, row(record), where), money)


@dataclass
class Report:
    """A report by days, as rows of a table; `money` is what a result bills.

    Raises BadInput for an answer that is not shaped as documented; a result of it that is not is set aside.
    """

    table: Table
    fetched: Fetched
    row: Row
    money: Callable[[Any], Money] | None = None

    def parts(self, day: datetime) -> list[Part]:
        try:
            records = self.fetched.of(day)
        except SHAPES as error:
            raise refused(self.fetched.vendor, self.table, day, error) from None
        return shaped_rows(
            self.fetched.vendor, self.table, day, records, lambda record: self.row(record, day), self.money
        )


def slices_by_day(
    days: list[datetime], month: Month, prefix: str, read: Callable[[datetime], Iterable[Part]]
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


def listed_slice(
    window: Window,
    now: datetime,
    identifier: str,
    records: Callable[[], Iterable[Any]],
    row: Callable[[dict[str, Any]], dict[str, Any]],
) -> Slice:
    """A list of a provider's entities, whole; a record that can't be read is set aside."""

    def read() -> Iterable[Part]:
        try:
            return read_records(
                ENTITIES, records(), identifier, lambda record, where: typed(ENTITIES, row(record), where)
            )
        except SHAPES as error:
            raise BadInput(f"{identifier}: {unexpected(error)}") from None

    return Slice(identifier, None, window.start, now, read)

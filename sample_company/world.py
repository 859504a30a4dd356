"""The sample company's time: which days there are, and randomness that is the same on every run.

A world is fixed by its seed and its last day. What a vendor shows *as of* a date is a view of it: the days
before that date, and of closed months what had been restated by then.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sample_company.company import HANDED_OVER_SERVICE, HANDED_OVER_TO, SERVICE_BY_ID

HISTORY_MONTHS = 4


def month_of(day: date) -> str:
    """`YYYY-MM`."""
    return f"{day:%Y-%m}"


def first_of_month(day: date, months: int = 0) -> date:
    """The first day of the month that is `months` after the day's."""
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


def at(day: date, hour: int = 0) -> datetime:
    """An instant on a day, in UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """A seed, a last day of history (included), and how many whole months come before that day's."""

    seed: int
    until: date
    history_months: int = HISTORY_MONTHS

    @property
    def start(self) -> date:
        """The first day: that of the first month of history."""
        return first_of_month(self.until, -self.history_months)

    @property
    def handover(self) -> date:
        """The day from which `pricing-engine` belongs to its new team: a 16th, in the middle of a month."""
        return first_of_month(self.until, -2).replace(day=16)

    def days(self, as_of: date | None = None) -> list[date]:
        """The days of history that are over as of a date."""
        last = self.until if as_of is None else min(self.until, as_of - timedelta(days=1))
        return [self.start + timedelta(days=offset) for offset in range((last - self.start).days + 1)]

    def months(self, as_of: date | None = None) -> list[str]:
        return sorted({month_of(day) for day in self.days(as_of)})

    def rng(self, *parts: object) -> random.Random:
        """A generator that depends on the seed and the parts alone, never on the order of calls."""
        text = "|".join(str(part) for part in (self.seed, *parts))
        return random.Random(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"))

    def token(self, *parts: object, length: int = 24) -> str:
        """A stable hexadecimal id."""
        text = "|".join(str(part) for part in (self.seed, *parts))
        return hashlib.sha256(text.encode()).hexdigest()[:length]

    def team_of(self, service: str, day: date) -> str:
        """The true owner of a service on a day."""
        if service == HANDED_OVER_SERVICE and day >= self.handover:
            return HANDED_OVER_TO
        return SERVICE_BY_ID[service].team


@dataclass
class State:
    """A world and the date at which the vendors are asked; tests move the date on, and change a workspace's tags."""

    world: World
    as_of: date
    workspace_tags: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Label:
    """The truth about one charge: whose it is, for how much.

    `amount` is the owner's share of the charge's effective cost. `enough_evidence` is False where nobody could
    tell from what the vendor shows (untagged resources, shared keys, shared pools).
    """

    source: str
    vendor_charge_id: str
    owner_id: str
    amount: Decimal
    enough_evidence: bool


@dataclass(frozen=True)
class Spike:
    """A jump in cost with a known cause."""

    source: str
    first_day: date
    last_day: date
    owner_id: str
    subject: str
    cause: str

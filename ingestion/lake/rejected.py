"""Records of a delivery that can't be read: they are set aside, and the rest of the slice lands.

A row has no content of the record but the amount that it bills: its place, and the reason, which quotes nothing
(`ingestion.lake.faults`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Table, money, text
from ingestion.lake.contract import Part, Remark, Rows
from ingestion.lake.faults import fault
from ingestion.lake.plausible import LARGEST_AMOUNT
from ingestion.lake.records import record

REJECTED_RECORDS = Table(
    "rejected_records",
    "One row a record of a slice that can't be read: it is set aside, and the rest of the slice lands.",
    (
        text("place", "file or address, and line, row or number of the record"),
        text("reason", "why it can't be read, without its content"),
        money("billed_cost", "what the record bills, where that can be read"),
        text("billing_currency", "currency of the amount"),
    ),
)
# What Python raises for a record that is not shaped as documented.
SHAPES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
# A slice with more of them is not what its setting names: it is refused.
MOST = 100

# An amount and its currency.
Money = tuple[Decimal, str]


def _known(money: Callable[[], Money] | None) -> dict[str, Any]:
    """The amount of a record that can't be read as a whole; nothing where that is no amount in a currency."""
    try:
        amount, currency = money() if money else (None, None)
        if amount is None or not abs(amount) < LARGEST_AMOUNT or not re.fullmatch("[A-Z]{3}", str(currency)):
            return {}
    except (BadInput, *SHAPES):
        return {}
    return {"billed_cost": amount, "billing_currency": currency}


@dataclass
class Rejected:
    """The records of a slice that are set aside."""

    records: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def aside(self, place: str, money: Callable[[], Money] | None = None) -> Iterator[None]:
        """Read a record: one that can't be read is set aside, with its `money` where that can be read."""
        try:
            yield
        except BadInput as error:
            self.add(place, str(error).removeprefix(place).lstrip(":, "), money)
        except SHAPES as error:
            self.add(place, fault(error), money)

    def rows(
        self,
        records: Iterable[Any],
        place: str,
        row: Callable[[dict[str, Any], str], dict[str, Any]],
        money: Callable[[dict[str, Any]], Money] | None = None,
    ) -> list[dict[str, Any]]:
        """Rows of a vendor's JSON records; those that can't be read are set aside.

        `row` makes a record's row, with the record's place for its messages; `money` is what a record bills.
        Raises BadInput where none can be read, or too many can't.
        """
        before = len(self.records)
        rows = []
        for number, found in enumerate(records, start=1):
            where = f"{place}, record {number}"
            with self.aside(where, (lambda found=found: money(found)) if money else None):  # type: ignore[misc]
                rows.append(row(record(found, where), where))
        self.check(len(rows), since=before)
        return rows

    def add(self, place: str, reason: str, money: Callable[[], Money] | None = None) -> None:
        """Set a record aside. Raises BadInput where there are too many of them."""
        self.records.append({"place": place, "reason": reason, **_known(money)})
        if len(self.records) > MOST:
            first = self.records[0]
            raise BadInput(
                f"{first['place']}: {first['reason']}; more than {MOST} records of the slice can't be read: it is refused"
            )

    def check(self, landed: int, since: int = 0) -> None:
        """Raise BadInput where no record can be read: what was delivered before stays, instead of nothing.

        `since` is the number of records that were set aside before those that are looked at.
        """
        if not landed and len(self.records) > since:
            first = self.records[since]
            raise BadInput(f"{first['place']}: {first['reason']}; no other record of it can be read")

    def parts(self) -> list[Part]:
        """What the slice has of them: their rows, and a remark in its note."""
        if not self.records:
            return []
        first = self.records[0]
        remark = Remark(f"records set aside: {len(self.records)}; the first: {first['place']}: {first['reason']}")
        return [Rows(REJECTED_RECORDS, self.records), remark]


def read_records(
    table: Table,
    records: Iterable[Any],
    place: str,
    row: Callable[[dict[str, Any], str], dict[str, Any]],
    money: Callable[[dict[str, Any]], Money] | None = None,
) -> list[Part]:
    """Rows of a table from a vendor's JSON records, and what is set aside of them (`Rejected.rows`)."""
    rejected = Rejected()
    return [Rows(table, rejected.rows(records, place, row, money)), *rejected.parts()]

"""Records of a delivery that can't be read: they are set aside, and the rest of the slice lands.

A row has no content of the record: its place, and the reason, which quotes nothing (`ingestion.lake.faults`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ingestion.errors import BadInput
from ingestion.lake.columns import Table, text
from ingestion.lake.contract import Part, Remark, Rows

REJECTED_RECORDS = Table(
    "rejected_records",
    "One row a record of a slice that can't be read: it is set aside, and the rest of the slice lands.",
    (
        text("place", "file or address, and line, row or number of the record"),
        text("reason", "why it can't be read, without its content"),
    ),
)
# A slice with more of them is not what its setting names: it is refused.
MOST = 100


@dataclass
class Rejected:
    """The records of a slice that are set aside."""

    records: list[dict[str, str]] = field(default_factory=list)

    def parts(self) -> list[Part]:
        """What the slice has of them: their rows, and a remark in its note."""
        if not self.records:
            return []
        first = self.records[0]
        remark = Remark(f"records set aside: {len(self.records)}; the first: {first['place']}: {first['reason']}")
        return [Rows(REJECTED_RECORDS, self.records), remark]

    def add(self, place: str, reason: str) -> None:
        """Set a record aside. Raises BadInput where there are too many of them."""
        self.records.append({"place": place, "reason": reason})
        if len(self.records) > MOST:
            first = self.records[0]
            raise BadInput(
                f"{first['place']}: {first['reason']}; more than {MOST} records of the slice can't be read: it is refused"
            )

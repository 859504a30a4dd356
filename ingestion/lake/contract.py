"""What a source hands to the lake: slices, delivery notes, and the source itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from ingestion.lake.columns import Table, integer, money, text, timestamp
from ingestion.settings import Window, enables, is_required

DELIVERIES = Table(
    "deliveries",
    "One row a slice that an extract asked for: its delivery note.",
    (
        text("state", "delivered, unchanged, empty, no_data or refused"),
        text("load_id", "the dlt load that holds the slice's rows; an earlier one where unchanged"),
        text("billing_period", "the billing month (YYYY-MM) that the slice belongs to; NULL for dimensions"),
        text("vendor_version", "the vendor's own version of the slice: execution id, ETag, `updated`"),
        integer("row_count", "rows of the slice in all tables; NULL where nothing could be read"),
        text("content_digest", "SHA-256 of the slice's content, or the vendor's version where that proves it"),
        timestamp("extracted_at", "when the extract read the slice"),
        integer(
            "landing_sequence",
            "the number of the landing, 1 for the dataset's first: the newest note of a slice has the highest one, whatever "
            "the clock showed; NULL of earlier releases",
        ),
        timestamp("window_start", "the first instant that was asked for"),
        timestamp("window_end", "the first instant after what was asked for"),
        timestamp(
            "oldest_charge_at",
            "the start of the oldest request in the slice, or the end of its oldest charge; NULL of files",
        ),
        timestamp("newest_charge_at", "the end of the newest charge period or request in the slice"),
        text("message", "why the slice was refused or has no data; of one that was delivered, how it was read"),
    ),
)

DELIVERY_TOTALS = Table(
    "delivery_totals",
    "Control totals of a delivered slice: one row a table, measure and currency.",
    (
        text("load_id", "the dlt load that holds the slice's rows"),
        text("table_name", "the raw table that was added up"),
        text("measure", "what was added up, e.g. billed_cost"),
        text("currency", "currency of the amount; NULL for quantities"),
        money("amount", "the sum over the slice, exact"),
        integer("row_count", "rows of the slice in that table and currency"),
    ),
)


HOLDS = Table(
    "holds",
    "One row a delivery that is held: the ledger has the one before it, because a period's money did not add up with it.",
    (
        text("load_id", "the dlt load of the delivery that is held"),
        text("billing_period", "the billing month (YYYY-MM) that is held"),
        text("ledger_source", "the source of the ledger whose period is held"),
        text("rule", "the test that failed with the delivery"),
        text("reason", "how the test failed: its number of rows, and the places that the first of them name"),
        text("logic", "digest of the models that tested it: other models lift the hold"),
        timestamp("held_at", "when the delivery was held"),
    ),
)

# The lake's own history (`ingestion/lake/history.py`): nothing in it is ever replaced.
HISTORY_DATASET, HISTORY_TABLE = "raw_history", "cost_revisions"

# The tables of every dataset beside the source's own.
NOTE_TABLES = (DELIVERIES, DELIVERY_TOTALS, HOLDS)


@dataclass(frozen=True)
class Total:
    """A control total that a slice states itself (for a vendor's file that is not read row by row)."""

    measure: str
    currency: str | None
    amount: Decimal
    row_count: int


@dataclass(frozen=True)
class Rows:
    """Some records of a slice for one table."""

    table: Table
    records: list[dict[str, Any]]


@dataclass(frozen=True)
class Columns:
    """Some rows of a slice for one table, as Arrow in the table's declared columns, without their slice id.

    They may lie in a mapped file: they are handed on in parts.
    """

    table: Table
    rows: pa.Table


@dataclass(frozen=True)
class VendorFile:
    """A vendor's own Parquet file that goes into the lake as it is."""

    table: Table
    path: Path
    row_count: int
    totals: tuple[Total, ...]
    newest_charge_at: datetime | None
    # What a reader of the note should know of the reading: the dialect, for example.
    remark: str | None = None


@dataclass(frozen=True)
class Stated:
    """What the vendor itself states that a slice's bill comes to, beside its lines in `table`."""

    table: Table
    currency: str
    amount: Decimal


@dataclass(frozen=True)
class Remark:
    """What a reader of a delivery's note should know of the delivery."""

    text: str


Part = Rows | Columns | VendorFile | Stated | Remark


class NoData(Exception):
    """The vendor has no report for the slice: neither zero nor a failure."""


@dataclass(frozen=True)
class Slice:
    """The unit in which a vendor restates, not read yet.

    `read` is called once, and only if the slice may have changed: where `version_proves` and the version is
    that of the last delivery, the slice is noted as unchanged without being read. It raises BadInput for what
    can't be read (the slice is refused, the others go on) and NoData where the vendor has none.
    """

    id: str
    billing_period: str | None
    start: datetime
    end: datetime
    read: Callable[[], Iterable[Part]]
    version: str | None = None
    version_proves: bool = False


@dataclass(frozen=True)
class Note:
    """The newest good delivery note of a slice."""

    slice_id: str
    load_id: str
    content_digest: str | None
    vendor_version: str | None
    row_count: int
    extracted_at: datetime
    billing_period: str | None
    oldest_charge_at: datetime | None
    newest_charge_at: datetime | None
    message: str | None = None
    landing_sequence: int | None = None

    @property
    def order(self) -> tuple[int, datetime]:
        """What sorts notes, the newest last: the landing that wrote them, then (of earlier releases) the time."""
        return order_of(self.landing_sequence, self.extracted_at)


def order_of(landing_sequence: int | None, extracted_at: datetime) -> tuple[int, datetime]:
    """What sorts delivery notes, the newest last. Those of earlier releases have no sequence and come first."""
    return landing_sequence or 0, extracted_at


Known = Mapping[str, Note]


class Evidence(IntEnum):
    """What a claim proves, best first: among rules of one priority the lowest rank wins.

    Rank 6 is that of an allocated cost, which is no claim.
    """

    VERIFIED_ACTOR = 1
    MANAGED_KEY = 2
    PROVIDER_ACCOUNT = 3
    TAG = 4
    NAME_PATTERN = 5
    DEFAULT = 7


@dataclass(frozen=True)
class ClaimKind:
    """A kind of claim that charges make, which ownership rules can name.

    Where it has `keys`, one of them follows the kind: `aws_tag:team`. The registry's claim_keys.yml names those that make
    claims.
    """

    name: str
    evidence: Evidence
    description: str
    keys: Literal["tag", "cost_category"] | None = None


@dataclass(frozen=True)
class LedgerSource:
    """Who bills, as column `source` of the ledger names it; or the gateway whose requests are estimated.

    It is stale where its newest charge is older than `freshness_sla_hours`. `has_tags`: whether what it bills can carry tags.
    `bills_llm_usage`: whether its bill covers usage of language models up to its newest charge, so that nothing before
    that is estimated.
    """

    name: str
    freshness_sla_hours: int
    has_tags: bool = True
    bills_llm_usage: bool = False


# The control total of money that a bill has: the ledger is reconciled to it.
BILLED_COST = "billed_cost"
# That of the vendor's own total, which the lines may differ from.
STATED_COST = "stated_billed_cost"


@dataclass(frozen=True)
class Source:
    """A source, declared once: Dagster's assets and dbt's lists (`make generate`) follow from it.

    `slices` lists the slices of a window, cheaply. A source that the ledger knows by several names begins its slice ids with
    the name: `openai|…`.
    """

    name: str
    title: str
    description: str
    settings: type[Any]
    tables: tuple[Table, ...]
    slices: Callable[[Any, Window, Known, datetime], Iterable[Slice]]
    # Empty where it brings neither charges nor requests.
    ledger_sources: tuple[LedgerSource, ...] = ()
    claim_kinds: tuple[ClaimKind, ...] = ()
    # A source of vendor files makes one load a slice, because the files' rows carry no slice id.
    load_per_slice: bool = False
    # Without it nothing should be published. Another source that fails leaves the ledger at what it last delivered.
    is_required: bool = False
    kinds: tuple[str, ...] = ()
    # Whether it delivers something where no setting is given.
    needs_no_settings: bool = False
    # Sources whose data this one reads in the lake: it is landed after them.
    after: tuple[str, ...] = ()

    @property
    def dataset(self) -> str:
        return f"raw_{self.name}"

    @property
    def freshness_sla_hours(self) -> int | None:
        """How old its newest charge may be: the strictest of its ledger sources. None where it has none."""
        return min((ledger.freshness_sla_hours for ledger in self.ledger_sources), default=None)

    @property
    def has_bills(self) -> bool:
        """Whether it delivers billed money: a table with that control total, or a vendor's own files, which are bills."""
        return any(
            table.vendor_files or any(measure.name == BILLED_COST for measure in table.measures)
            for table in self.tables
        )

    def is_set_up(self, settings: object | None) -> bool:
        """Whether its resolved settings are enough: all that are required, or one of those that enable it."""
        if settings is None:
            return False
        declared = fields(self.settings)
        return (
            self.needs_no_settings
            or any(is_required(one) for one in declared)
            or any(enables(one) and getattr(settings, one.name) for one in declared)
        )

    @property
    def secrets(self) -> list[str]:
        """The settings that are secret: those that their dataclass does not show."""
        return [f"sources.{self.name}.{field.name}" for field in fields(self.settings) if not field.repr]


@dataclass
class Landing:
    """What a landing did, for people and for the orchestration."""

    source: str
    # Its number, one more than that of the dataset's landing before.
    sequence: int = 1
    states: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    loads: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    # What is set up and has delivered nothing, whatever the month.
    undelivered: list[str] = field(default_factory=list)
    periods: set[str] = field(default_factory=set)
    newest_charge_at: datetime | None = None
    has_files: bool = False
    # The slices whose newest note is from the future: it proves nothing, and they are read again.
    from_future: dict[str, datetime] = field(default_factory=dict)
    # What was found damaged in the dataset, a line each.
    damages: list[str] = field(default_factory=list)
    # The billing period of each slice that was written, by its load.
    delivered: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def count(self, piece: Slice, note: Mapping[str, Any]) -> None:
        """Take a slice's note into the report."""
        state = str(note["state"])
        self.states[state] = self.states.get(state, 0) + 1
        if state == "refused":
            self.refused.append((piece.id, str(note["message"])))
        if state == "no_data" and piece.billing_period is None:
            self.undelivered.append(str(note["message"]))
        if state in ("delivered", "empty"):
            self.delivered.setdefault(str(note["load_id"]), {})[piece.id] = piece.billing_period
            if piece.billing_period:
                self.periods.add(piece.billing_period)
        newest = note["newest_charge_at"]
        if newest is not None:
            self.newest_charge_at = max(self.newest_charge_at or newest, newest)

    @property
    def changed(self) -> int:
        """Slices that were written."""
        return self.states.get("delivered", 0) + self.states.get("empty", 0)

    def __str__(self) -> str:
        states = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        nothing = "".join(f"; nothing delivered yet: {message}" for message in self.undelivered)
        return f"{self.source}: {states or 'no slices'}; {sum(self.rows.values())} rows{nothing}"

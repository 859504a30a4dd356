"""History that no vendor can deliver again: what the ledger recorded, as deliveries of the lake's own.

The warehouse can be rebuilt from the lake. What the ledger stated on earlier days can't, so each publication writes it here,
in the lake's own form: a load with its note and manifest.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyarrow as pa

from ingestion.lake.columns import Table, integer, money, text, timestamp
from ingestion.lake.contract import HISTORY_DATASET, HISTORY_TABLE, Columns, Known, Landing, Slice, Source
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window

COST_REVISIONS = Table(
    HISTORY_TABLE,
    "One row a cost revision's change, as fact_cost_revision has it: written when a build is published, never changed.",
    (
        text("cost_revision_key", "id of the row"),
        text("source", "source of the ledger"),
        text("billing_month", "billing month, YYYY-MM"),
        integer("revision_number", "1 for the period's first revision, counted up"),
        timestamp("known_at", "when the newest of the revision's inputs was extracted, UTC"),
        text("billing_currency", "currency of the amounts; NULL in a revision that changes none"),
        text("sub_account_id", "account"),
        text("service_name", "service"),
        text("charge_category", "FOCUS charge category"),
        text("owner_id", "the owner's id"),
        money("billed_cost", "billed cost as of this revision"),
        money("effective_cost", "effective cost as of this revision"),
        integer("charge_count", "number of charges as of this revision"),
        money("billed_change", "billed cost minus that of the revision before"),
        money("effective_change", "effective cost minus that of the revision before"),
        integer("charge_count_change", "number of charges minus that of the revision before"),
        text("delivered_slices", "JSON: the period's slices, each with its version"),
        text("others_fingerprint", "digest of the month's other deliveries"),
        text("rules_fingerprint", "digest of the registry"),
        text("logic_version", "version of the models"),
        text("charges_fingerprint", "digest of the period's charges"),
        text("ledger_fingerprint", "digest of all inputs; NULL in a revision to 0"),
    ),
)


@dataclass(frozen=True)
class NoSettings:
    """History has no settings."""


def _nothing(settings: object, window: Window, known: Known, now: datetime) -> Iterable[Slice]:
    return ()


HISTORY = Source(
    name=HISTORY_DATASET.removeprefix("raw_"),
    title="History",
    description="What the ledger recorded at each publication. The lake can't get it from any vendor again.",
    settings=NoSettings,
    tables=(COST_REVISIONS,),
    slices=_nothing,
)


def record(home: Home, build_id: str, rows: pa.Table, now: datetime) -> Landing:
    """Write the cost revisions of a build, in the columns of COST_REVISIONS. A build is recorded once."""
    month = Month.of(now)
    window = Window(month, month)

    def slices(settings: object, asked: Window, known: Known, moment: datetime) -> Iterable[Slice]:
        if build_id not in known:
            yield Slice(build_id, None, asked.start, asked.end, lambda: [Columns(COST_REVISIONS, rows)])

    return land(home, replace(HISTORY, slices=slices), NoSettings(), window, now.astimezone(UTC))

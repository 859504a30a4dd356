"""Holds: deliveries that the ledger passes over, because the money of a billing period did not add up with them.

A hold is of one delivery (a slice's load). The slice's delivery before it stays current. A newer delivery of the slice ends
the hold, and so do other models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.atomic_write import atomic_write
from ingestion.lake.contract import HOLDS, order_of
from ingestion.lake.notes import GOOD_STATES, known_notes, notes
from ingestion.settings import Home


@dataclass(frozen=True)
class Hold:
    """One held delivery, in the columns of the table `holds`. Times are UTC."""

    slice_id: str
    load_id: str
    billing_period: str
    ledger_source: str
    rule: str
    reason: str
    logic: str
    held_at: datetime


def _file(home: Home, dataset: str) -> Path:
    return home.lake / dataset / HOLDS.name / f"{HOLDS.name}.parquet"


def holds(home: Home, dataset: str) -> list[Hold]:
    """The holds of a dataset, in the order of their slices."""
    file = _file(home, dataset)
    return [Hold(**row) for row in pq.read_table(file, partitioning=None).to_pylist()] if file.exists() else []


def write_holds(home: Home, dataset: str, found: Sequence[Hold]) -> None:
    """Replace the holds of a dataset, in one step."""
    file = _file(home, dataset)
    if not found and not file.exists():
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [asdict(hold) for hold in sorted(found, key=lambda hold: (hold.slice_id, hold.load_id))]
    with atomic_write(file) as draft:
        pq.write_table(pa.Table.from_pylist(rows, HOLDS.schema), draft)


def lift_ended(home: Home, dataset: str, logic: str) -> list[Hold]:
    """Remove the holds that a newer delivery or other models end; gives those that stay."""
    before = holds(home, dataset)
    if not before:
        return []
    newest = {slice_id: note.load_id for slice_id, note in known_notes(home, dataset).items()}
    staying = [hold for hold in before if hold.logic == logic and newest.get(hold.slice_id) == hold.load_id]
    if staying != before:
        write_holds(home, dataset, staying)
    return staying


def not_held(home: Home, dataset: str) -> dict[str, dict[str, Any]]:
    """The newest good note of each slice that has a held delivery: the one that is current instead."""
    held = {(hold.slice_id, hold.load_id) for hold in holds(home, dataset)}
    slices = {slice_id for slice_id, _ in held}
    found: dict[str, dict[str, Any]] = {}
    found_notes = notes(home, dataset) if held else []
    for note in sorted(found_notes, key=lambda note: order_of(note.get("landing_sequence"), note["extracted_at"])):
        slice_id = note["slice_id"]
        if slice_id in slices and note["state"] in GOOD_STATES and (slice_id, note["load_id"]) not in held:
            found[slice_id] = note
    return found

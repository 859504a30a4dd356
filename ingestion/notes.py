"""Reading the delivery notes back from the lake: what it believes now, and what it was told when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ingestion.contract import Note
from ingestion.settings import Home


def complete_loads(dataset: Path) -> set[str]:
    """The loads that dlt recorded as complete (`_dlt_loads/<schema>__<load id>.jsonl`, status 0)."""
    found = set()
    for file in dataset.glob("_dlt_loads/*.jsonl"):
        line = json.loads(file.read_text())
        if line["status"] == 0:
            found.add(str(line["load_id"]))
    return found


def load_of(file: Path) -> str:
    """The load id in a data file's name: `<load id>.<file id>.parquet`; a load id has a dot of its own."""
    return ".".join(file.name.split(".")[:2])


def notes(home: Home, dataset: str) -> list[dict[str, Any]]:
    """All delivery notes of a dataset that belong to complete loads."""
    folder = home.lake / dataset
    complete = complete_loads(folder)
    files = [file for file in sorted(folder.glob("deliveries/*.parquet")) if load_of(file) in complete]
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


GOOD_STATES = ("delivered", "empty", "unchanged")


def known_notes(home: Home, dataset: str) -> dict[str, Note]:
    """The newest good note of each slice: what the lake believes now."""
    newest: dict[str, dict[str, Any]] = {}
    for row in notes(home, dataset):
        if row["state"] not in GOOD_STATES:
            continue
        best = newest.get(row["slice_id"])
        if best is None or (row["extracted_at"], row["load_id"]) >= (best["extracted_at"], best["load_id"]):
            newest[row["slice_id"]] = row
    return {
        slice_id: Note(
            slice_id=slice_id,
            load_id=row["load_id"],
            content_digest=row["content_digest"],
            vendor_version=row["vendor_version"],
            row_count=row["row_count"],
            extracted_at=row["extracted_at"],
            billing_period=row["billing_period"],
            newest_charge_at=row["newest_charge_at"],
        )
        for slice_id, row in newest.items()
    }

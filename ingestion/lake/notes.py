"""Reading the delivery notes back from the lake: the newest of each slice, and the loads that are complete."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import fields
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from ingestion.lake.contract import Note
from ingestion.settings import Home

NOTE = [field.name for field in fields(Note)]


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


def note_files(dataset: Path, complete: Collection[str] | None = None) -> list[Path]:
    """The files of delivery notes below a dataset's folder that belong to complete loads.

    `complete`, here and below: the complete loads, where the caller has read their records already.
    """
    counted = complete_loads(dataset) if complete is None else complete
    return [file for file in sorted(dataset.glob("deliveries/*.parquet")) if load_of(file) in counted]


def notes(home: Home, dataset: str, complete: Collection[str] | None = None) -> list[dict[str, Any]]:
    """All delivery notes of a dataset that belong to complete loads."""
    files = note_files(home.lake / dataset, complete)
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


GOOD_STATES = ("delivered", "empty", "unchanged")
# Of notes of earlier releases the landing is not known: the time decides among them, and any numbered note is newer.
NEWEST_FIRST = "landing_sequence desc nulls last, extracted_at desc, filename desc"


def known_notes(home: Home, dataset: str, complete: Collection[str] | None = None) -> dict[str, Note]:
    """The newest good note of each slice: the current content of the lake.

    Every refresh adds a note a slice that it asks for: they are weighed by a query, and only the newest come here.
    """
    files = [str(file) for file in note_files(home.lake / dataset, complete)]
    if not files:
        return {}
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        # A relation, and no parameter; and rows, not Arrow's: DuckDB and pyarrow would import pandas for them, a third of
        # a second of every refresh.
        delivered = connection.read_parquet(files, union_by_name=True, filename=True)
        # Where an earlier release wrote all of them, a column of today is absent.
        absent = "".join(f", null as {name}" for name in NOTE if name not in delivered.columns)
        newest = delivered.query(
            "notes",
            f"select {', '.join(NOTE)} from (select *{absent} from notes) where state in {GOOD_STATES} "
            f"qualify row_number() over (partition by slice_id order by {NEWEST_FIRST}) = 1 order by slice_id",
        ).fetchall()
    found = [Note(**dict(zip(NOTE, row, strict=True))) for row in newest]
    return {note.slice_id: note for note in found}


def landing_sequences(dataset: Path, complete: Collection[str] | None = None) -> dict[str, int]:
    """The number of the landing of each complete load of a dataset's folder; 0 of those of earlier releases.

    Of a compaction it is its newest note's. Loads whose notes stand in one are named by their notes.
    """
    files = note_files(dataset, complete)
    if not files:
        return {}
    with duckdb.connect() as connection:
        delivered = connection.read_parquet([str(file) for file in files], union_by_name=True, filename=True)
        sequence = "landing_sequence" if "landing_sequence" in delivered.columns else "0"
        written = delivered.query(
            "notes", f"select filename, max({sequence}) from notes group by filename"
        ).fetchall()
        named = delivered.query(
            "notes",
            f"select load_id, max({sequence}) from notes where state in ('delivered', 'empty') group by load_id",
        ).fetchall()
    by_file = {load_of(Path(file)): int(found or 0) for file, found in written}
    return {load: int(found or 0) for load, found in named} | by_file

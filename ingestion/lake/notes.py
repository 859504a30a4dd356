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
    files = note_files(home.lake / dataset, complete)
    if not files:
        return {}
    newest = _query(
        files,
        NOTE,
        f"select {', '.join(NOTE)} from notes where state in {GOOD_STATES} "
        f"qualify row_number() over (partition by slice_id order by {NEWEST_FIRST}) = 1 order by slice_id",
    )
    found = [Note(**dict(zip(NOTE, row, strict=True))) for row in newest]
    return {note.slice_id: note for note in found}


def _query(files: Collection[Path], columns: Collection[str], query: str) -> list[tuple[Any, ...]]:
    """Ask the relation `notes` of some files, each of which is opened as seldom as DuckDB can.

    One statement, because a relation's columns are asked of all files again; and rows, not Arrow's: DuckDB and pyarrow would
    import pandas for them, a third of a second of every refresh.
    """
    listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    # Where an earlier release wrote all of them, a column of today is absent.
    absent = ", ".join(f"null as {name}" for name in columns)
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(
            f"with notes as (select {absent} where false union all by name "
            f"select * from read_parquet([{listed}], union_by_name = true, filename = true)) {query}"
        ).fetchall()


def landing_sequences(dataset: Path, complete: Collection[str] | None = None) -> dict[str, int]:
    """The number of the landing of each complete load of a dataset's folder; 0 of those of earlier releases.

    Of a compaction it is its newest note's. Loads whose notes stand in one are named by their notes.
    """
    files = note_files(dataset, complete)
    if not files:
        return {}
    found = _query(
        files,
        ("landing_sequence",),
        "select true, load_id, max(landing_sequence) from notes where state in ('delivered', 'empty') group by load_id "
        "union all select false, filename, max(landing_sequence) from notes group by filename",
    )
    named = {name: int(sequence or 0) for is_load, name, sequence in found if is_load}
    written = {load_of(Path(name)): int(sequence or 0) for is_load, name, sequence in found if not is_load}
    return named | written

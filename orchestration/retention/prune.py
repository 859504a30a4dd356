"""Pruning the lake: files that no current or retained slice needs.

A data file goes when none of its load's slices is current, each has been superseded for longer than the retention,
or its load never became complete (a killed run's leftovers). Delivery notes and totals stay: they record
which cost was known when.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from ingestion.lake.contract import HOLDS, NOTE_TABLES, order_of
from ingestion.lake.holds import not_held
from ingestion.lake.integrity import DAMAGED
from ingestion.lake.notes import GOOD_STATES, complete_loads, known_notes, load_of, notes
from ingestion.settings import Home
from orchestration.layout import writing

# A load that is running is not complete either; nothing of the last hours is touched.
UNFINISHED_FOR = timedelta(hours=24)


def needed_loads(home: Home, dataset: str, now: datetime, retention: timedelta) -> set[str]:
    """The loads that hold a current slice, the one before a held delivery, or one that was superseded within the retention."""
    needed = {note.load_id for note in known_notes(home, dataset).values()}
    needed |= {note["load_id"] for note in not_held(home, dataset).values()}
    by_slice: dict[str, list[tuple[tuple[int, datetime], str]]] = {}
    for note in notes(home, dataset):
        if note["state"] in GOOD_STATES:
            order = order_of(note.get("landing_sequence"), note["extracted_at"])
            by_slice.setdefault(note["slice_id"], []).append((order, note["load_id"]))
    for deliveries in by_slice.values():
        ordered = sorted(deliveries)
        for (_, load_id), ((_, superseded_at), _) in pairwise(ordered):
            if superseded_at >= now - retention:
                needed.add(load_id)
    return needed


def unneeded_files(home: Home, now: datetime, retention: timedelta) -> Iterator[Path]:
    """The data files that may go."""
    for folder in sorted(home.lake.glob("raw_*")):
        for file in sorted((folder / DAMAGED).rglob("*")):
            if file.is_file() and now.timestamp() - file.stat().st_mtime > retention.total_seconds():
                yield file
        complete = complete_loads(folder)
        needed = needed_loads(home, folder.name, now, retention)
        for table in sorted(folder.iterdir()):
            if not table.is_dir() or table.name.startswith("_") or table.name == HOLDS.name:
                continue
            for file in sorted(table.glob("*.parquet")):
                load = load_of(file)
                if load not in complete:
                    if now.timestamp() - file.stat().st_mtime > UNFINISHED_FOR.total_seconds():
                        yield file
                elif load not in needed and table.name not in [noted.name for noted in NOTE_TABLES]:
                    yield file


def prune(home: Home, now: datetime, retention: timedelta) -> list[Path]:
    """Remove them; gives what was removed."""
    with writing(home, "a prune of the lake"):
        removed = list(unneeded_files(home, now, retention))
        for file in removed:
            file.unlink()
    return removed

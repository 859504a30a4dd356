"""Pruning the lake: files that no current or retained slice needs go, and old delivery notes are compacted.

A data file goes when none of its load's slices is current, each has been superseded for longer than the retention,
or its load never became complete (a killed run's leftovers). Rows of delivery notes and totals stay: they record
which cost was known when. So do all deliveries of versioned tables (`Table.versioned`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from ingestion.lake.compaction import compact, remove_loads
from ingestion.lake.contract import HOLDS, NOTE_TABLES, order_of
from ingestion.lake.holds import not_held
from ingestion.lake.integrity import DAMAGED, STATE_FOLDERS, Settled, lost_slices, settle
from ingestion.lake.manifest import Manifest
from ingestion.lake.notes import GOOD_STATES, known_notes, load_of, notes
from ingestion.locks import exclusive_lock
from ingestion.settings import Home
from ingestion.sources.catalog import VERSIONED
from orchestration.dbt.change_detection import ChangeDetection
from orchestration.dbt.engine import Engine
from orchestration.layout import writing

# A load that is running is not complete either; nothing of the last hours is touched.
UNFINISHED_FOR = timedelta(hours=24)
# dlt reads the newest of its states and schemas only.
STATES_KEPT = 3


@dataclass(frozen=True)
class Pruned:
    """What a prune did: the data files that it removed, and the loads whose notes it compacted."""

    files: list[Path]
    loads_compacted: int

    def __str__(self) -> str:
        return f"{len(self.files)} files removed, the delivery notes of {self.loads_compacted} loads compacted"


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


def _unneeded_files(
    folder: Path, complete: Collection[str], needed: Collection[str], now: datetime, retention: timedelta
) -> Iterator[Path]:
    """The data files of a dataset that may go."""
    stay = {noted.name for noted in NOTE_TABLES} | {name for dataset, name in VERSIONED if dataset == folder.name}
    for file in sorted((folder / DAMAGED).rglob("*")):
        if file.is_file() and now.timestamp() - file.stat().st_mtime > retention.total_seconds():
            yield file
    for table in sorted(folder.iterdir()):
        if not table.is_dir() or table.name.startswith("_") or table.name == HOLDS.name:
            continue
        for file in sorted(table.glob("*.parquet")):
            load = load_of(file)
            if load not in complete:
                if now.timestamp() - file.stat().st_mtime > UNFINISHED_FOR.total_seconds():
                    yield file
            elif load not in needed and table.name not in stay:
                yield file
    for name in STATE_FOLDERS:
        yield from _earlier_states(folder / name)


def _earlier_states(folder: Path) -> Iterator[Path]:
    """dlt's states or schemas but for the newest (`<name>__<load id>__<hash>.jsonl`)."""
    named = [(file.stem.rsplit("__", maxsplit=2), file) for file in folder.glob("*.jsonl")]
    known = sorted((parts[1], file) for parts, file in named if len(parts) == len(("name", "load", "hash")))
    yield from (file for _, file in known[:-STATES_KEPT])


def prune(home: Home, now: datetime, retention: timedelta) -> Pruned:
    """Remove what nothing needs, and compact the delivery notes of what is over. The ledger stays as it is."""
    removed: list[Path] = []
    compacted = 0
    with writing(home, "a prune of the lake"), ExitStack() as locks:
        settled: dict[Path, Settled] = {}
        for folder in sorted(home.lake.glob("raw_*")):
            locks.enter_context(exclusive_lock(home, folder.name.removeprefix("raw_"), "a prune of the lake"))
            settled[folder] = settle(home, folder.name)
        # What is damaged is set aside by now: that changes what the ledger is built from, and the rest does not.
        with ChangeDetection(home, Engine.from_environment()).kept():
            for folder, found in settled.items():
                whole = compact(folder, found.manifests, found.complete, now)
                compacted += len(_with_notes(folder, found.manifests) - _with_notes(folder, whole))
                if lost_slices(home, folder.name, found.manifests, found.known, found.damages):
                    # Notes that are gone may name what is current: nothing goes before they are back.
                    continue
                needed = needed_loads(home, folder.name, now, retention)
                needed |= {manifest.load_id for manifest in whole if not needed.isdisjoint(manifest.loads)}
                files = list(_unneeded_files(folder, found.complete, needed, now, retention))
                for file in files:
                    file.unlink()
                removed += files
                _remove_empty(folder, whole, needed, found.complete)
    return Pruned(removed, compacted)


def _with_notes(folder: Path, whole: Collection[Manifest]) -> set[str]:
    """The loads that have files of notes of their own."""
    noted = [table.name for table in NOTE_TABLES]
    return {one.load_id for one in whole if any(Path(name).parts[0] in noted for name in one.files)}


def _remove_empty(folder: Path, whole: Collection[Manifest], needed: Collection[str], complete: set[str]) -> None:
    """Remove manifest and record of loads whose notes are compacted and whose data are pruned."""
    compacted = {load for manifest in whole for load in manifest.replaces}
    gone = [
        manifest.load_id
        for manifest in whole
        if manifest.load_id in compacted - set(needed)
        and not any((folder / name).exists() for name in manifest.files)
    ]
    remove_loads(folder, gone, complete)

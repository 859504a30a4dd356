"""Whether the lake holds what its manifests list, and what becomes of a file that does not hold.

A damaged file is set aside below `_damaged/` of its dataset, so that nobody reads it. The slices that it held are *lost*: the
next landing requests them again, and nothing is published before they are back.
"""

from __future__ import annotations

import errno
import json
import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.atomic_write import flush
from ingestion.lake.compaction import remove_loads, remove_replaced, replaced_by, undo_unfinished
from ingestion.lake.contract import DELIVERIES, DELIVERY_TOTALS, Note
from ingestion.lake.manifest import (
    CONFIRMED,
    FOLDER,
    LOADING,
    RECORDS,
    BrokenManifest,
    File,
    Manifest,
    confirm,
    described,
    manifests,
    read_manifest,
    sha256_of,
    write_manifest,
    write_record,
)
from ingestion.lake.notes import known_notes, landing_sequences, load_of, notes
from ingestion.settings import Home

DAMAGED = "_damaged"
# Where dlt keeps its state and schemas; it makes them again.
STATE_FOLDERS = ("_dlt_pipeline_state", "_dlt_version")
MARK = b"PAR1"  # how a Parquet file begins and ends
# Readers need those of every load, whichever is current.
NOTE_FOLDERS = (DELIVERIES.name, DELIVERY_TOTALS.name)


# What a manifest lists of a file that was broken before it was written.
NO_FILE = File(0, "")


@dataclass(frozen=True)
class Damage:
    """A file of a load that does not hold; `file` is its path below the dataset's folder."""

    dataset: str
    load_id: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.dataset}/{self.file}: {self.reason}"


@dataclass(frozen=True)
class Lost:
    """A slice whose delivery is damaged, and has not been delivered again."""

    slice_id: str
    billing_period: str | None
    damage: Damage


def _is_of_notes(name: str) -> bool:
    return Path(name).parts[0] in NOTE_FOLDERS


def _is_framed(file: Path) -> bool:
    """Whether a file begins and ends as a Parquet file does."""
    with file.open("rb") as opened:
        begins = opened.read(len(MARK))
        opened.seek(-len(MARK), os.SEEK_END)
        return begins == opened.read() == MARK


def _fault_of(path: Path, listed: File, wholly: bool) -> str | None:
    """Why a file is not the one that is listed; None where it is. Not `wholly`: by its size, beginning and end only."""
    try:
        if listed.sha256 is None:
            return None  # a purge was rewriting it
        size = path.stat().st_size
        if size != listed.size:
            return f"{size} bytes, and its manifest lists {listed.size}"
        if not _is_framed(path):
            return "no Parquet file any longer"
        is_same = not wholly or sha256_of(path) == listed.sha256
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        # A disk that can't read a sector; no permission or too many open files are nothing of the file's.
        if error.errno != errno.EIO:
            raise
        return f"can't be read ({error.strerror})"
    return None if is_same else "its content differs from its manifest (SHA-256)"


def _damages(home: Home, dataset: str, manifest: Manifest, needs_data: bool, wholly: bool) -> Iterator[Damage]:
    """The files of a load that do not hold. Data may be missing where nothing `needs_data`: a prune removed it."""
    for name, listed in manifest.files.items():
        path = home.lake / dataset / name
        if not (needs_data or _is_of_notes(name) or path.exists()):
            continue
        reason = _fault_of(path, listed, wholly)
        if reason:
            yield Damage(dataset, manifest.load_id, name, reason)


def set_aside(home: Home, damage: Damage) -> None:
    """Move a damaged file to where nobody reads it; one that is missing already stays so."""
    _set_aside(home.lake / damage.dataset, Path(damage.file))


def _set_aside(dataset: Path, name: Path) -> None:
    target = dataset / DAMAGED / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if (dataset / name).exists():
        (dataset / name).replace(target)
        flush((dataset / name).parent)


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True


def _load_recorded(file: Path) -> str | None:
    """The load that a record of dlt's says is complete; None where it can't be read."""
    try:
        found = json.loads(file.read_bytes())
        is_whole = found["status"] == 0 and file.stem.endswith(f"__{found['load_id']}")
        return str(found["load_id"]) if is_whole else None
    except (ValueError, LookupError, TypeError):
        return None


def _mend_records(dataset: Path, found: list[str]) -> set[str]:
    """The complete loads, by dlt's records, which are read here once a landing.

    Records that can't be read are set aside; those of loads whose manifest is confirmed are written again. A line in `found`
    for each.
    """
    complete = set()
    for folder in (RECORDS, *STATE_FOLDERS):
        for record in sorted((dataset / folder).glob("*.jsonl")):
            if folder == RECORDS and (load := _load_recorded(record)):
                complete.add(load)
            elif folder == RECORDS or not _is_json(record):
                _set_aside(dataset, record.relative_to(dataset))
                found.append(f"{dataset.name}/{folder}/{record.name}: can't be read; it is set aside")
    for file in manifests(dataset):
        load = file.name.removesuffix(CONFIRMED)
        if load not in complete:
            write_record(dataset, load)
            complete.add(load)
            found.append(f"{dataset.name}/{RECORDS}: the record of load {load} was missing; it is written again")
    return complete


def _files_by_load(dataset: Path) -> dict[str, list[str]]:
    """The Parquet files of each load, by their path below the dataset's folder."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(dataset.glob("[!_]*/*.parquet")):
        found[load_of(file)].append(file.relative_to(dataset).as_posix())
    return found


def _is_parquet(file: Path) -> bool:
    try:
        pq.read_metadata(file)
    except (pa.ArrowException, OSError):
        return False
    return True


def _adopt(
    home: Home, dataset: str, loads: Collection[str], complete: Collection[str], found: list[str]
) -> list[Manifest]:
    """Write the manifests of complete loads that have none: of an earlier release, or lost.

    Their files are taken as they are; one that is no Parquet file is set aside, with a line in `found`.
    """
    folder = home.lake / dataset
    files = _files_by_load(folder)
    broken = {name for load in loads for name in files[load] if not _is_parquet(folder / name)}
    for name in sorted(broken):
        _set_aside(folder, Path(name))
        found.append(
            f"{dataset}/{name}: no whole Parquet file; it is set aside, and what it held is requested again"
        )
    sequences = landing_sequences(folder, complete)
    replaced = {load: replaced_by(folder / name for name in files[load] if name not in broken) for load in loads}
    slices: dict[str, dict[str, str | None]] = defaultdict(dict)
    for note in notes(home, dataset, complete):
        if note["state"] in ("delivered", "empty"):
            slices[note["load_id"]][note["slice_id"]] = note["billing_period"]
    adopted = []
    for load in loads:
        listed = {name: NO_FILE if name in broken else described(folder / name) for name in files[load]}
        delivered = {
            slice_id: period for one in (*replaced[load], load) for slice_id, period in slices[one].items()
        }
        adopted.append(Manifest(load, listed, delivered, sequences.get(load, 0), replaced[load]))
        write_manifest(folder, adopted[-1], is_confirmed=True)
    return adopted


def _settle_loading(home: Home, dataset: str, complete: set[str]) -> Iterator[str]:
    """Loads that a killed process or a loss of power left: whole ones are confirmed, torn ones count as damaged."""
    folder = home.lake / dataset
    for file in manifests(folder, LOADING):
        load = file.name.removesuffix(LOADING)
        try:
            manifest = read_manifest(file)
        except BrokenManifest:
            manifest = None
        if manifest is None or load not in complete:
            # The load never became complete, and a prune removes its files. (A manifest is whole before the load begins.)
            file.unlink()
            continue
        damages = list(_damages(home, dataset, manifest, needs_data=True, wholly=True))
        if damages and manifest.replaces:
            # What a compaction was to replace is all there still.
            remove_loads(folder, [load], complete)
            file.unlink()
            continue
        for damage in damages:
            set_aside(home, damage)
            yield f"{damage}; the load was cut off, and its slices are requested again"
        confirm(folder, load, [name for name in manifest.files if (folder / name).exists()])


@dataclass(frozen=True)
class Settled:
    """A dataset in order, read once: whoever goes on with it takes what was read from here.

    `findings`: what was found, a line each; the manifests of its loads; `known`: the newest good note of each slice;
    `damages`: the files that do not hold, which are set aside now; the loads that are `complete`.
    """

    findings: list[str]
    manifests: list[Manifest]
    known: dict[str, Note]
    damages: list[Damage]
    complete: set[str]


def settle(home: Home, dataset: str) -> Settled:
    """Bring a dataset into order before it is read. Nobody else may write it meanwhile.

    Looks at each file's size, beginning and end; `verify` reads them wholly, and so does this where notes can't be read.
    """
    folder = home.lake / dataset
    found: list[str] = []
    complete = _mend_records(folder, found)
    found += _settle_loading(home, dataset, complete)
    undo_unfinished(folder, complete)
    whole = []
    for manifest in _read_all(folder):
        if isinstance(manifest, Manifest):
            whole.append(manifest)
        else:
            _set_aside(folder, manifest.relative_to(folder))
            found.append(f"{dataset}/{FOLDER}/{manifest.name}: can't be read as it was written; it is set aside")
    whole = remove_replaced(folder, whole, complete)
    missing = complete - {manifest.load_id for manifest in whole}
    if missing:
        whole += _adopt(home, dataset, sorted(missing), complete, found)
        whole = remove_replaced(folder, whole, complete)
    damages = _set_damaged_aside(home, dataset, whole, found, wholly=False)
    try:
        known = known_notes(home, dataset, complete)
    except duckdb.Error:
        damages += _set_damaged_aside(home, dataset, whole, found, wholly=True)
        known = known_notes(home, dataset, complete)
    return Settled(found, whole, known, damages, complete)


def _set_damaged_aside(
    home: Home, dataset: str, whole: Collection[Manifest], found: list[str], wholly: bool
) -> list[Damage]:
    """Set the damaged files of some loads aside, with a line in `found` for each; gives the damages."""
    damages = [
        damage
        for manifest in whole
        for damage in _damages(home, dataset, manifest, needs_data=False, wholly=wholly)
    ]
    for damage in damages:
        if (home.lake / dataset / damage.file).exists():
            set_aside(home, damage)
            found.append(f"{damage}; it is set aside, and what it held is requested again")
    return damages


def _missing_data(home: Home, dataset: str, manifest: Manifest) -> Iterator[Damage]:
    """The files of data of a load that are not there. (No file is opened.)"""
    for name, listed in manifest.files.items():
        is_purged = listed.sha256 is None
        if not (is_purged or _is_of_notes(name) or (home.lake / dataset / name).exists()):
            yield Damage(dataset, manifest.load_id, name, "is missing")


def lost_slices(
    home: Home,
    dataset: str,
    whole: Collection[Manifest],
    known: Mapping[str, Note],
    damages: Collection[Damage],
) -> dict[str, Lost]:
    """The slices whose delivery is damaged and has not come again, by the manifests and the newest good notes.

    `damages`: those of the files that are there, and of the note files.
    """
    current = {note.load_id for note in known.values() if note.row_count}
    found: dict[str, list[Damage]] = defaultdict(list)
    for damage in damages:
        found[damage.load_id].append(damage)
    lost: dict[str, Lost] = {}
    for manifest in whole:
        needs_data = not current.isdisjoint(manifest.loads)
        missing = _missing_data(home, dataset, manifest) if needs_data else ()
        for damage in (*found[manifest.load_id], *missing):
            if not (needs_data or _is_of_notes(damage.file)):
                continue
            is_of_notes = Path(damage.file).parts[0] == DELIVERIES.name
            for slice_id, period in manifest.slices.items():
                note = known.get(slice_id)
                has_come_again = (
                    note is not None and (note.landing_sequence or 0) >= manifest.landing_sequence
                    if is_of_notes
                    else note is None or note.load_id not in manifest.loads
                )
                if not has_come_again:
                    lost.setdefault(slice_id, Lost(slice_id, period, damage))
    return lost


def close_mended(
    home: Home,
    dataset: str,
    whole: Collection[Manifest],
    damages: Collection[Damage],
    lost: Collection[Lost],
) -> None:
    """Take note files that are gone off their manifests, where all that they noted was delivered again."""
    open_loads = {one.damage.load_id for one in lost}
    damaged = {damage.file for damage in damages if _is_of_notes(damage.file)}
    for manifest in whole:
        gone = {name for name in damaged & manifest.files.keys() if not (home.lake / dataset / name).exists()}
        if gone and manifest.load_id not in open_loads:
            kept = {name: listed for name, listed in manifest.files.items() if name not in gone}
            write_manifest(home.lake / dataset, replace(manifest, files=kept), is_confirmed=True)


def lost(home: Home, dataset: str) -> dict[str, Lost]:
    """The slices of a dataset whose delivery is damaged and has not come again. Changes nothing."""
    whole = [found for found in _read_all(home.lake / dataset) if isinstance(found, Manifest)]
    damages = [
        damage
        for manifest in whole
        for damage in _damages(home, dataset, manifest, needs_data=False, wholly=False)
    ]
    return lost_slices(home, dataset, whole, known_notes(home, dataset), damages)


def _read_all(dataset: Path) -> Iterator[Manifest | Path]:
    """Each confirmed manifest, or its file where it can't be read."""
    for file in manifests(dataset):
        try:
            yield read_manifest(file)
        except BrokenManifest:
            yield file


def verify(home: Home, dataset: str) -> list[Damage]:
    """Read every file of a dataset's loads back: those that are not as their manifest lists them. Changes nothing."""
    found = []
    whole = []
    for manifest in _read_all(home.lake / dataset):
        if isinstance(manifest, Path):
            found.append(
                Damage(dataset, manifest.stem, f"{FOLDER}/{manifest.name}", "can't be read as it was written")
            )
        else:
            whole.append(manifest)
            found += _damages(home, dataset, manifest, needs_data=False, wholly=True)
    if found:
        return found  # which data are current can't be found out by notes that are damaged
    current = {note.load_id for note in known_notes(home, dataset).values() if note.row_count}
    for manifest in whole:
        if not current.isdisjoint(manifest.loads):
            found += _missing_data(home, dataset, manifest)
    return found

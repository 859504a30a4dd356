"""Compaction: the delivery notes of many old loads in few files.

Each landing leaves a file of notes, one of totals, a record and a manifest, and they stay: they record which cost was known
when. A compaction writes the rows of the loads of a period that is over into one load of its own, which has a record and a
manifest as any other, and whose manifest lists the loads that it *replaces*. Then their note files go, and of loads with
nothing else also manifest and record. A row stays as it was written.

At no moment is a note lost, or counted twice by a reader who has settled the dataset before (`integrity.settle`):

1. the manifest, named `.loading`, is on the disk before the first file;
2. the files, and then the record, are on the disk;
3. the manifest is confirmed. Up to here the compaction counts for nothing, and whoever settles the dataset removes it;
4. what it replaces is removed. From here on whoever settles the dataset goes on with that (`remove_replaced`).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ingestion.atomic_write import flush
from ingestion.lake.columns import SLICE_ID
from ingestion.lake.contract import DELIVERIES, DELIVERY_TOTALS, HISTORY_DATASET, HISTORY_TABLE
from ingestion.lake.manifest import (
    Manifest,
    confirm,
    described,
    manifest_file,
    record_of,
    sha256_of,
    write_manifest,
    write_record,
)
from ingestion.lake.notes import load_of

# How the files of a compaction end. A draft is no `.parquet`: no reader takes it for data.
COMPACTED, DRAFT = ".compacted.parquet", ".compacting"
# In the file's own metadata, so that a manifest that is lost can be written again.
REPLACES = b"replaces"


def tables_of(dataset: str) -> tuple[str, ...]:
    """The tables of a dataset whose rows all stay: notes, totals and the lake's own history."""
    return (DELIVERIES.name, DELIVERY_TOTALS.name, *((HISTORY_TABLE,) if dataset == HISTORY_DATASET else ()))


def stays(dataset: Path, name: str) -> bool:
    """Whether a file, by its path below the dataset's folder, is of one of these tables."""
    return Path(name).parts[0] in tables_of(dataset.name)


def period_of(newest: datetime, now: datetime) -> str | None:
    """The period of a load by its newest note: the year (YYYY) or month (YYYY-MM) that is over; None of the month under way."""
    if newest.year < now.year:
        return f"{newest:%Y}"
    return f"{newest:%Y-%m}" if (newest.year, newest.month) < (now.year, now.month) else None


def compact(dataset: Path, whole: Collection[Manifest], complete: set[str], now: datetime) -> list[Manifest]:
    """Compact what is over by `now`; gives the manifests of the dataset's loads afterwards.

    `whole` and `complete` as `settle` found them; nobody else may write the dataset meanwhile.
    """
    for draft in dataset.glob(f"*/*{DRAFT}"):
        draft.unlink()  # of a process that was killed
    periods: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in whole:
        newest = _newest_note(dataset, manifest)
        if newest and (period := period_of(newest, now)):
            periods[period].append(manifest)
    found = list(whole)
    for _, loads in sorted(periods.items()):
        if len(loads) > 1:
            found.append(_merged(dataset, loads, complete))
    return remove_replaced(dataset, found, complete)


def _newest_note(dataset: Path, manifest: Manifest) -> datetime | None:
    """When the newest note of a load was written; None where it has none, or a file of its is not as the manifest lists it.

    A file that is damaged must not get a new SHA-256: it stays for `costowner verify`.
    """
    own = [name for name in manifest.files if stays(dataset, name)]
    noted = [dataset / name for name in own if Path(name).parts[0] == DELIVERIES.name]
    if not noted or not _holds(dataset, manifest, own):
        return None
    columns = [pq.read_table(file, columns=["extracted_at"], partitioning=None)["extracted_at"] for file in noted]
    newest: datetime | None = max(
        (moment for column in columns if (moment := pc.max(column).as_py())), default=None
    )
    return newest.astimezone(UTC) if newest else None


def _holds(dataset: Path, manifest: Manifest, names: Iterable[str]) -> bool:
    """Whether some files of a load are wholly as its manifest lists them."""
    return all(
        (dataset / name).exists() and sha256_of(dataset / name) == manifest.files[name].sha256 for name in names
    )


def _merged(dataset: Path, loads: Sequence[Manifest], complete: set[str]) -> Manifest:
    """Write the rows of some loads as one load, which is complete and confirmed afterwards."""
    replaces = sorted({load for one in loads for load in (one.load_id, *one.replaces)})
    load_id = _new_id(dataset, complete)
    drafts: dict[str, Path] = {}
    for table in tables_of(dataset.name):
        listed = [name for one in loads for name in one.files if Path(name).parts[0] == table]
        if listed:
            name = f"{table}/{load_id}{COMPACTED}"
            drafts[name] = dataset / f"{name}{DRAFT}"
            _write(drafts[name], [dataset / one for one in listed], replaces)
    manifest = Manifest(
        load_id,
        {name: described(draft) for name, draft in drafts.items()},
        {slice_id: period for one in loads for slice_id, period in one.slices.items()},
        max(one.landing_sequence for one in loads),
        replaces,
    )
    write_manifest(dataset, manifest, is_confirmed=False)
    for name, draft in drafts.items():
        flush(draft)
        draft.replace(dataset / name)
        flush(draft.parent)
    write_record(dataset, load_id)
    confirm(dataset, load_id, manifest.files)
    complete.add(load_id)
    return manifest


def _new_id(dataset: Path, complete: Collection[str]) -> str:
    """An id for a load as dlt gives them, a time of the clock, that no load of the dataset has."""
    moment = datetime.now(UTC).timestamp()
    while (load_id := f"{moment:.6f}") in complete or any(dataset.glob(f"*/{load_id}.*")):
        moment += 0.000001
    return load_id


def _write(draft: Path, files: Sequence[Path], replaces: Sequence[str]) -> None:
    """One file of the rows of many, by slice and landing: alike stands beside alike, and packs well."""
    rows = pa.concat_tables(
        (pq.read_table(file, partitioning=None).replace_schema_metadata() for file in files),
        promote_options="permissive",
    )
    keys = [name for name in (SLICE_ID.name, "landing_sequence", "extracted_at") if name in rows.column_names]
    rows = rows.sort_by([(name, "ascending") for name in keys])
    metadata = {REPLACES: json.dumps(list(replaces)).encode()}
    pq.write_table(rows.replace_schema_metadata(metadata), draft, compression="zstd")


def replaced_by(files: Iterable[Path]) -> list[str]:
    """The loads that a compaction with these files replaces, by the files themselves; none of any other load."""
    found: set[str] = set()
    for file in files:
        found |= set(json.loads((pq.read_metadata(file).metadata or {}).get(REPLACES, b"[]")))
    return sorted(found)


def undo_unfinished(dataset: Path, complete: Collection[str]) -> None:
    """Remove the files of a compaction that was cut off before it counted. Its rows stand where they stood before."""
    _remove([file for file in _files(dataset, f"*{COMPACTED}") if load_of(file) not in complete])


def remove_replaced(dataset: Path, whole: Collection[Manifest], complete: set[str]) -> list[Manifest]:
    """Remove what confirmed compactions replace; gives the manifests that stay. It may be done again at any time.

    Files go first, then manifests, then records, each on the disk before the next: a record without a file harms nobody, and
    a file whose load has no record is not read.
    """
    by_load = {manifest.load_id: manifest for manifest in whole}
    merges = [manifest for manifest in whole if manifest.replaces]
    # Also by their names: a backup that was taken meanwhile may hold notes that no manifest of its lists.
    noted = {load_of(file) for file in _files(dataset, "*.parquet")} if merges else set()
    over = {
        load
        for merged in merges
        if (left := _left(dataset, merged, by_load, noted, complete))
        # Where it is damaged, what it replaces is all that there is.
        if _holds(dataset, merged, merged.files)
        for load in left
    }
    if not over:
        return list(whole)
    _remove([file for file in _files(dataset, "*.parquet") if load_of(file) in over])
    kept = [manifest for manifest in whole if manifest.load_id not in over]
    gone = []
    for load in sorted(over):
        manifest = by_load.get(load)
        if manifest is None:
            # It is adopted where it holds data: only its manifest is lost.
            gone += [] if any(dataset.glob(f"[!_]*/{load}.*.parquet")) else [load]
        elif data := {name: file for name, file in manifest.files.items() if not stays(dataset, name)}:
            kept.append(replace(manifest, files=data))
            write_manifest(dataset, kept[-1], is_confirmed=True)
        else:
            gone.append(load)
    remove_loads(dataset, gone, complete)
    return kept


def _left(
    dataset: Path,
    merged: Manifest,
    by_load: Mapping[str, Manifest],
    noted: Collection[str],
    complete: Collection[str],
) -> list[str]:
    """The loads that a compaction replaces and that still have notes of their own, or nothing at all."""

    def has_data_only(load: str) -> bool:
        files = by_load[load].files if load in by_load else {}
        return bool(files) and not any(stays(dataset, name) for name in files)

    return [load for load in merged.replaces if load in noted or (load in complete and not has_data_only(load))]


def remove_loads(dataset: Path, loads: Collection[str], complete: set[str]) -> None:
    """Remove manifest and record of loads that have no files any longer."""
    _remove([manifest_file(dataset, load) for load in loads])
    _remove([record for load in loads if (record := record_of(dataset, load))])
    complete.difference_update(loads)


def _files(dataset: Path, pattern: str) -> list[Path]:
    """Files of the tables whose rows all stay."""
    return [file for table in tables_of(dataset.name) for file in sorted((dataset / table).glob(pattern))]


def _remove(files: Collection[Path]) -> None:
    """Remove files; on the disk they are gone when this ends."""
    for file in files:
        file.unlink(missing_ok=True)
    for folder in sorted({file.parent for file in files}):
        if folder.is_dir():
            flush(folder)

"""The lake: an append-only ledger of deliveries, written by dlt as Parquet.

A source hands over *slices*, the units in which its vendor restates (for Vercel a team and day). Each slice
that is read gets a delivery note, written in the same dlt load as its rows; readers count a row only if its
slice's newest note names its load, and a note only if dlt recorded its load as complete. So a re-issued slice
is replaced, one that becomes empty is emptied, and a torn load is never seen. See `docs/lake.md`.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

# Nothing of this project reports home.
os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")
# dlt would keep a second copy of all that it has loaded, where nothing prunes or purges it.
os.environ.setdefault("LOAD__DELETE_COMPLETED_JOBS", "true")

import dlt
import pyarrow as pa
import pyarrow.parquet as pq
from dlt.destinations.impl.filesystem.filesystem import CURRENT_VERSION, INIT_FILE_NAME
from dlt.pipeline.trace import TRACE_FILE_NAME

from ingestion.atomic_write import atomic_write
from ingestion.errors import is_of_the_machine
from ingestion.lake.contract import (
    NOTE_TABLES,
    Landing,
    Slice,
    Source,
)
from ingestion.lake.delivery import deliver
from ingestion.lake.integrity import close_mended, lost_slices, settle
from ingestion.lake.manifest import Manifest, confirm, described, write_manifest
from ingestion.locks import exclusive_lock
from ingestion.settings import Home, Window


def _is_marker(file: Path) -> bool:
    try:
        return "current_version" in json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError, TypeError):
        return False


def _open_dataset(folder: Path) -> None:
    """Make a dataset's folder with the marker that dlt expects in it, whatever moment it is killed at.

    dlt's own way (create the folder, then the marker) fails for good on a folder that has no marker yet.
    """
    marker = folder / INIT_FILE_NAME
    if _is_marker(marker):
        return
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_write(marker) as draft:
        draft.write_text(json.dumps({"initial_version": CURRENT_VERSION, "current_version": CURRENT_VERSION}))


# Clocks of machines that take turns differ by less.
CLOCKS_DIFFER = timedelta(hours=1)

# What dlt's records of loads look like, of a load that never was: readers that know no empty list of files.
NO_LOADS = json.dumps({"load_id": "none", "status": 1}) + "\n"


def _has_schema(file: Path, schema: pa.Schema) -> bool:
    try:
        return bool(pq.read_schema(file).equals(schema))
    except (FileNotFoundError, pa.ArrowException):
        return False


def declare(home: Home, source: Source) -> None:
    """Write each table's contract: a Parquet file of no rows with the declared columns.

    Readers union it with the delivered files by name, so a source that is not set up is an empty table, and a
    column that a vendor leaves out is NULL.
    """
    _open_dataset(home.lake / source.dataset)
    folder = home.lake / source.dataset / "_contract"
    folder.mkdir(parents=True, exist_ok=True)
    for table in (*source.tables, *NOTE_TABLES):
        target = folder / f"{table.name}.parquet"
        if _has_schema(target, table.schema):
            continue
        with atomic_write(target) as draft:
            pq.write_table(table.schema.empty_table(), draft)
    loads = folder / "loads.jsonl"
    if not loads.exists() or loads.read_text() != NO_LOADS:
        with atomic_write(loads) as draft:
            draft.write_text(NO_LOADS)


def _forget_vendor_columns(pipeline: dlt.Pipeline, source: Source) -> None:
    """Let dlt take the next load's files as they are.

    It would rewrite a file whose columns are not those of all files before it, in their order, and add the absent ones:
    maps as text. Readers unite files by name, so nothing has to be remembered.
    """
    names = [table.name for table in source.tables if table.vendor_files]
    if not names:
        return
    if source.name not in pipeline.schema_names:
        pipeline.sync_destination()
    if source.name in pipeline.schema_names:
        schema = pipeline.schemas[source.name]
        schema.drop_tables([name for name in names if name in schema.tables])
        pipeline.schemas.save_schema(schema)


def remove_trace(home: Home, source: Source) -> Path | None:
    """Remove dlt's trace of a source's loads, which holds every credential that was resolved; gives it if there was one.

    Releases before wrote it. The credentials in it were readable to every user of the machine.
    """
    trace = home.dlt / source.name / TRACE_FILE_NAME
    if not trace.exists():
        return None
    trace.unlink()
    return trace


def _pipeline(home: Home, source: Source) -> dlt.Pipeline:
    pipeline = dlt.pipeline(
        pipeline_name=source.name,
        destination=dlt.destinations.filesystem(bucket_url=home.lake.as_uri()),
        dataset_name=source.dataset,
        pipelines_dir=str(home.dlt),
    )
    # dlt's trace is a file with every credential that was resolved. No setting may turn it on.
    pipeline.config.enable_runtime_trace = False
    return pipeline


def _dlt_source(source: Source, resources: list[Any]) -> Any:
    """The resources of one load as a dlt source: its name is that of the schema which dlt keeps for the source."""
    return dlt.source(lambda: resources, name=source.name)()


def _write_loads(home: Home, pipeline: dlt.Pipeline, landing: Landing) -> None:
    """Load what is extracted and normalised, safe against a loss of power (`manifest`)."""
    dataset = home.lake / pipeline.dataset_name
    written = []
    for load in pipeline.list_normalized_load_packages():
        files = {}
        for job in pipeline.get_load_package_info(load).jobs["new_jobs"]:
            about = job.job_file_info
            # dlt's own state and schemas are no Parquet: it makes them again.
            if about.file_format == "parquet":
                name = f"{about.table_name}/{load}.{about.file_id}.{about.file_format}"
                files[name] = described(Path(job.file_path))
        written.append(Manifest(load, files, landing.delivered.get(load, {}), landing.sequence))
        write_manifest(dataset, written[-1], is_confirmed=False)
    pipeline.load()
    for manifest in written:
        confirm(dataset, manifest.load_id, manifest.files)


def _in_order(home: Home, source: Source) -> dlt.Pipeline:
    """dlt's pipeline of a source, with nothing of a killed run: every extract can be repeated.

    A folder of dlt's that can't be read is made again: what dlt has to know stands in the lake.
    """
    folder = home.dlt / source.name
    try:
        return _synchronised(home, source)
    except Exception as error:
        if is_of_the_machine(error) or not folder.exists():
            raise
        shutil.rmtree(folder)
        return _synchronised(home, source)


def _synchronised(home: Home, source: Source) -> dlt.Pipeline:
    pipeline = _pipeline(home, source)
    if pipeline.has_pending_data:
        pipeline.drop_pending_packages()
    pipeline.sync_destination()
    return pipeline


def land(home: Home, source: Source, settings: object, window: Window, now: datetime) -> Landing:
    """Land a window of one source: read its slices, write those that changed, note all.

    Slices that can't be read are refused and reported in the result; the others land. What is damaged in the lake is
    requested again.
    """
    declare(home, source)
    landing = Landing(source.name, has_files=any(table.vendor_files for table in source.tables))
    # Two processes with one dlt pipeline would mix their data.
    with exclusive_lock(home, source.name):
        settled = settle(home, source.dataset)
        landing.damages = settled.findings
        known = settled.known
        landing.sequence = 1 + max((one.landing_sequence for one in settled.manifests), default=0)
        landing.from_future = {
            slice_id: note.extracted_at
            for slice_id, note in known.items()
            if note.extracted_at > now + CLOCKS_DIFFER
        }
        lost = lost_slices(home, source.dataset, settled.manifests, known, settled.damages)
        # What the lake does not hold whole, or what is noted at a time to come, proves nothing: it is read again.
        proven = {
            slice_id: note
            for slice_id, note in known.items()
            if slice_id not in lost and slice_id not in landing.from_future
        }
        pieces: Sequence[Slice] = list(source.slices(settings, window, known, now))
        batches = [[piece] for piece in pieces] if source.load_per_slice else [list(pieces)]
        pipeline = _in_order(home, source)
        for batch in batches:
            if batch:
                _forget_vendor_columns(pipeline, source)
                pipeline.extract(
                    _dlt_source(source, deliver(batch, proven, now=now, landing=landing)),
                    loader_file_format="parquet",
                )
                pipeline.normalize()
                _write_loads(home, pipeline, landing)
        delivered = {slice_id for slices in landing.delivered.values() for slice_id in slices}
        still_lost = [one for one in lost.values() if one.slice_id not in delivered]
        close_mended(home, source.dataset, settled.manifests, settled.damages, still_lost)
        landing.refused += [(one.slice_id, str(one.damage)) for one in still_lost]
    return landing

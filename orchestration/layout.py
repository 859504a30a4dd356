"""The layout of an installation's files, by number: a newer release migrates them, an older one does not write them."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.atomic_write import atomic_write
from ingestion.errors import SettingError
from ingestion.lake.columns import Table
from ingestion.lake.history import HISTORY
from ingestion.lake.integrity import DAMAGED, set_aside, settle, verify
from ingestion.lake.manifest import manifest_file, read_manifest, rewriting
from ingestion.lake.notes import load_of
from ingestion.lake.pipeline import declare
from ingestion.locks import RUN, exclusive_lock
from ingestion.settings import Home, utc_now
from ingestion.sources.catalog import VERSIONED
from orchestration.publication.history import COLUMNS, MART, record_from
from orchestration.state_file import write_state

log = logging.getLogger("costowner.layout")
# 2: the history of revisions is in the lake, and each load has a manifest.
# 3: delivery notes of old loads are compacted. An earlier release would not finish a compaction that was cut off, and its
# prune would remove compacted history.
# 4: of Vercel's teams and projects only what is named. An earlier release would land all of them again, with the values of
# environment variables.
LAYOUT = 4
HISTORY_IN_LAKE, ONLY_WHAT_IS_NAMED = 2, 4
FILE = "layout.json"
# There as long as a restore is not finished; it names the backup.
RESTORING = ".restoring"
# The revisions as earlier releases published them: the mart, and its columns that have other names now.
EARLIER: tuple[tuple[str, Mapping[str, str]], ...] = (
    (MART, {}),
    (
        "fact_belief",
        {"cost_revision_key": "belief_key", "revision_number": "belief_number", "known_at": "believed_at"},
    ),
)
# The id of the delivery that they become.
MIGRATED = "published by an earlier release"


@contextmanager
def writing(home: Home, holder: str, on_wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Have an installation to oneself, in this release's layout: whatever changes it does so within.

    `on_wait` gets who holds it meanwhile; by default that is logged.
    Raises SettingError where a newer release has written it.
    """
    with exclusive_lock(home, RUN, holder, on_wait or _log_wait):
        _bring_up_to_date(home)
        yield


def _log_wait(holder: str) -> None:
    log.warning("waiting for %s: one run at a time", holder)


def begun_restore(home: Home) -> str | None:
    """The name of the backup that a restore has begun and not finished; None where there is none."""
    marker = home.root / RESTORING
    return marker.read_text().strip() if marker.exists() else None


def unfinished_restore(home: Home) -> str | None:
    """What is wrong with an installation that a restore has not finished; None where nothing is."""
    backup = begun_restore(home)
    if backup is None:
        return None
    return f"a restore of backup {backup} was not finished: `costowner restore PLACE --backup {backup}` goes on with it"


def _bring_up_to_date(home: Home) -> None:
    if unfinished := unfinished_restore(home):
        raise SettingError(f"{home.root}: {unfinished}")
    found = layout_of(home)
    if found > LAYOUT:
        raise SettingError(
            f"{home.root} was written by a newer release (layout {found}, and this one knows {LAYOUT}): install that release "
            "again, or restore a backup of before"
        )
    declare(home, HISTORY)
    if found < LAYOUT:
        if found < HISTORY_IN_LAKE:
            _move_history(home)
        if found < ONLY_WHAT_IS_NAMED:
            _keep_declared_columns(home)
        write_state(home.root / FILE, {"layout": LAYOUT, "release": _release()})


def layout_of(home: Home) -> int:
    """The number of an installation's layout; this release's where nothing is written yet."""
    file = home.root / FILE
    try:
        return int(json.loads(file.read_bytes())["layout"])
    except FileNotFoundError:
        return 1 if any(home.lake.glob("raw_*")) else 0
    except (ValueError, LookupError, TypeError):
        return 1  # every step of a migration can be repeated


def _release() -> str:
    try:
        return version("costowner")
    except PackageNotFoundError:
        return "a checkout"


def _move_history(home: Home) -> None:
    """Copy the published revisions into the lake. A migration that is killed is begun again.

    What was never published nobody has read: the next build has it again.
    """
    if not home.database.exists():
        return
    with duckdb.connect(str(home.database), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        tables = {name for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()}
        for name, renamed in EARLIER:
            if name in tables:
                _copy(home, connection, name, renamed)
                return


def _copy(home: Home, connection: duckdb.DuckDBPyConnection, relation: str, renamed: Mapping[str, str]) -> None:
    """Record a table of revisions, by today's names of columns; one that it has not got is NULL."""
    there = {name for name, *_ in connection.execute(f"describe select * from {relation}").fetchall()}
    columns = [
        f"{renamed.get(name, name)} as {name}" if renamed.get(name, name) in there else f"null as {name}"
        for name in COLUMNS
    ]
    record_from(home, connection, f"(select {', '.join(columns)} from {relation})", MIGRATED, utc_now())


def _keep_declared_columns(home: Home) -> None:
    """Rewrite the lists of what exists without what earlier releases kept of them in `extra`.

    Each dataset is brought into order before. A file that differs from its manifest is set aside, and of these lists what is
    set aside goes. A migration that is killed is begun again.
    """
    for dataset in sorted({dataset for dataset, _ in VERSIONED}):
        if not (home.lake / dataset).is_dir():
            continue
        with exclusive_lock(home, dataset.removeprefix("raw_")):
            settle(home, dataset)
            for damage in verify(home, dataset):
                set_aside(home, damage)
            for (of_dataset, name), table in VERSIONED.items():
                if of_dataset == dataset:
                    shutil.rmtree(home.lake / dataset / DAMAGED / name, ignore_errors=True)
                    for file in sorted((home.lake / dataset / name).glob("*.parquet")):
                        _rewrite(home.lake / dataset, file, table)


def _rewrite(dataset: Path, file: Path, table: Table) -> None:
    """Rewrite a file without the columns that its table has not got; also one that a killed migration left unconfirmed."""
    try:
        rows = pq.read_table(file, partitioning=None)
    except (pa.ArrowException, OSError):
        file.unlink()  # of a load that never became complete
        return
    manifest = manifest_file(dataset, load_of(file))
    listed = read_manifest(manifest).files.get(file.relative_to(dataset).as_posix()) if manifest.exists() else None
    declared = [column for column in rows.column_names if column in table.schema.names]
    if declared != rows.column_names or (listed is not None and listed.sha256 is None):
        with rewriting(dataset, load_of(file), file), atomic_write(file, ".purging") as draft:
            pq.write_table(rows.select(declared), draft)

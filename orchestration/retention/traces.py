"""Outputs of runs that go: those past their age, and what an earlier release quoted of files and lines.

Earlier releases put DuckDB's and dbt's texts into delivery notes and into Dagster's events; these texts quote what could not
be read, which may be a prompt. They are known by the words that DuckDB frames a quotation with.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.atomic_write import atomic_write
from ingestion.lake.contract import DELIVERIES
from ingestion.lake.manifest import rewriting
from ingestion.lake.notes import load_of
from ingestion.settings import Home
from orchestration.layout import writing

KEPT = timedelta(days=30)
# Beside Dagster's storage: this release quotes nothing, so that one look at what was before it is enough.
LOOKED = "quotes_purged"
# Below an installation: what steps and dbt print, and dbt's own logs.
OUTPUTS = (
    "dagster/storage/*/compute_logs/*",
    "dbt_target*/dbt*.log*",
    "dbt_target*/other_output.log",
    "dbt_logs/*",
    "spark/views/logs/*",
    "logs/refresh-*.log",
)
# How DuckDB goes on where it quotes a line, a record or a value.
QUOTED = (
    *("Original Line:", "CSV Error on Line", "Malformed JSON", "Could not convert string", "Could not cast value"),
    *(
        "JSON transform error",
        "Error in file",
        "invalid timestamp",
        "timestamp field value",
        "invalid date",
        "LINE 1:",
    ),
)
_QUOTED = re.compile("|".join(map(re.escape, QUOTED)))
PURGED = "(what an earlier release quoted here is purged)"


@dataclass(frozen=True)
class Traces:
    """What was purged: files of output, files of notes that were rewritten, runs of Dagster."""

    outputs: int
    notes: int = 0
    runs: int = 0

    def __str__(self) -> str:
        return f"{self.outputs} outputs of runs removed, {self.notes} files of notes rewritten, {self.runs} runs deleted"


def purge_traces(home: Home, now: datetime, instance: dg.DagsterInstance) -> Traces:
    """Remove outputs that are past their age by `now`, a time of the clock; and once, what earlier releases quoted."""
    with writing(home, "a purge of outputs"):
        looked = home.dagster / LOOKED
        if looked.exists():
            return Traces(purge_outputs(home, now))
        outputs = purge_outputs(home, now, also_quoting=True)
        found = Traces(outputs, purge_notes(home), purge_runs(home, instance))
        # Last: a purge that is killed is done again.
        looked.parent.mkdir(parents=True, exist_ok=True)
        looked.touch()
        return found


def _outputs(home: Home) -> Iterator[Path]:
    yield from (file for pattern in OUTPUTS for file in sorted(home.root.glob(pattern)) if file.is_file())


def purge_outputs(home: Home, now: datetime, also_quoting: bool = False) -> int:
    """Remove outputs that are older than KEPT, and those that quote a file; gives how many."""
    found = [
        file
        for file in _outputs(home)
        if now.timestamp() - file.stat().st_mtime > KEPT.total_seconds()
        or (also_quoting and _QUOTED.search(file.read_text(errors="replace")))
    ]
    for file in found:
        file.unlink(missing_ok=True)
    return len(found)


def purge_notes(home: Home) -> int:
    """Cut off what delivery notes quote; gives how many files were rewritten. The rest of a note stays as it is."""
    rewritten = 0
    for file in sorted(home.lake.glob(f"raw_*/{DELIVERIES.name}/*.parquet")):
        try:
            messages = pq.read_table(file, columns=["message"], partitioning=None)["message"].to_pylist()
        except pa.ArrowException:
            continue  # damaged: the next landing sets it aside
        cut = [_cut(message) for message in messages]
        if cut == messages:
            continue
        notes = pq.read_table(file, partitioning=None)
        place = notes.column_names.index("message")
        cut_notes = notes.set_column(place, notes.schema.field(place), pa.array(cut, pa.string()))
        with rewriting(file.parent.parent, load_of(file), file), atomic_write(file, ".purging") as draft:
            pq.write_table(cut_notes, draft)
        rewritten += 1
    return rewritten


def _cut(message: str | None) -> str | None:
    found = _QUOTED.search(message) if message else None
    return f"{message[: found.start()]}{PURGED}" if message and found else message


def purge_runs(home: Home, instance: dg.DagsterInstance) -> int:
    """Delete runs of Dagster whose events quote a file, from its storage too; gives how many."""
    found = [file.stem for file in sorted((home.dagster / "history" / "runs").glob("*-*.db")) if _quotes(file)]
    for run_id in found:
        instance.delete_run(run_id)
        for file in (home.dagster / "history" / "runs").glob(f"{run_id}.db*"):
            file.unlink()
    if found:
        give_space_back(home)
    return len(found)


def _quotes(events: Path) -> bool:
    # Within a mart's or a model's SQL the same words are no quotation: only what failed or was refused has one.
    condition = " or ".join("instr(event, ?) > 0" for _ in QUOTED)
    with closing(sqlite3.connect(f"file:{events}?mode=ro", uri=True)) as connection:
        try:
            found = connection.execute(f"select 1 from event_logs where {condition} limit 1", QUOTED).fetchone()
        except sqlite3.OperationalError:
            return False  # a shard that a killed run left without its table
    return found is not None


def give_space_back(home: Home) -> None:
    """Give the pages of deleted rows back: until then SQLite keeps their text in the file."""
    for name in ("history/runs/index.db", "history/runs.db"):
        if (file := home.dagster / name).exists():
            # Where another process reads it just now, they are given back as SQLite uses them again.
            with suppress(sqlite3.OperationalError), closing(sqlite3.connect(file)) as connection:
                connection.execute("vacuum")
                connection.execute("pragma wal_checkpoint(truncate)")

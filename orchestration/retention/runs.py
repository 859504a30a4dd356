"""Runs that go: Dagster keeps the events of every run for ever, in a file a run and in an index of all.

A run is a few megabytes, so the storage would grow with the number of refreshes. What Dagster shows as the state of the
installation stays, however old its run is: the newest materialization of each asset and partition, and the newest result of each
check.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg

from ingestion.settings import Home
from orchestration.event_log import FOLDER
from orchestration.layout import writing
from orchestration.retention.traces import give_space_back

# The runs that the newest events of assets and checks are of, by Dagster's index of events.
STANDING = (
    "select run_id from event_logs where id in (select max(id) from event_logs where dagster_event_type in "
    "('ASSET_MATERIALIZATION', 'ASSET_OBSERVATION') group by asset_key, partition, dagster_event_type)",
    "select run_id from asset_check_executions where id in "
    "(select max(id) from asset_check_executions group by asset_key, check_name, partition)",
)


def prune_runs(home: Home, instance: dg.DagsterInstance, keep: int) -> int:
    """Remove all runs that ended but the newest `keep` and those of the installation's state; gives how many.

    By number and not by age: a clock that went wrong removes nothing. Runs that Dagster no longer knows, because a loss of power
    took its list of runs, go too.
    """
    with writing(home, "a prune of runs"):
        index = home.dagster / FOLDER / "index.db"
        runs = instance.get_runs()
        old = [run.run_id for run in runs[keep:] if run.is_finished]
        unknown = {file.stem for file in index.parent.glob("*-*.db")} - {run.run_id for run in runs}
        standing = _standing(index) if old or unknown else set()
        gone = [run_id for run_id in (*old, *sorted(unknown)) if run_id not in standing]
        for run_id in gone:
            if run_id not in unknown:
                instance.delete_run(run_id)
            for file in index.parent.glob(f"{run_id}.db*"):
                file.unlink()
            shutil.rmtree(home.dagster / "storage" / run_id, ignore_errors=True)
        if gone:
            _forget(index, gone)
            give_space_back(home)
    return len(gone)


def _standing(index: Path) -> set[str]:
    with closing(sqlite3.connect(f"file:{index}?mode=ro", uri=True)) as connection:
        return {run_id for query in STANDING for (run_id,) in connection.execute(query)}


def _forget(index: Path, gone: list[str]) -> None:
    """Remove what the index still has of runs that are gone: Dagster deletes results of checks with no run."""
    with closing(sqlite3.connect(index)) as connection, connection:
        for table in ("asset_check_executions", "event_logs"):
            connection.executemany(f"delete from {table} where run_id = ?", [(run_id,) for run_id in gone])

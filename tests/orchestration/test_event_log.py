"""The event log with open connections keeps Dagster's own files: what it writes, Dagster's own storage reads."""

from __future__ import annotations

from queue import Queue

import dagster as dg
from dagster._core.storage.event_log import SqliteEventLogStorage

from ingestion.settings import Home
from orchestration.event_log import FOLDER, OPEN_SHARDS, PooledEventLogStorage


@dg.asset
def ledger() -> int:
    return 1


def refresh() -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, PooledEventLogStorage)
        return dg.materialize([ledger], instance=instance)


def test_dagsters_own_storage_reads_what_was_written_also_by_runs_whose_files_were_closed(
    prepared_home: Home,
) -> None:
    with dg.DagsterInstance.get() as instance:
        runs = [dg.materialize([ledger], instance=instance) for _ in range(OPEN_SHARDS + 2)]
        event_counts = [len(instance.all_logs(run.run_id)) for run in runs]
    assert all(count > 5 for count in event_counts)
    plain = SqliteEventLogStorage(str(prepared_home.dagster / FOLDER))
    assert [len(plain.get_logs_for_run(run.run_id)) for run in runs] == event_counts
    newest = plain.get_latest_materialization_events([dg.AssetKey("ledger")])[dg.AssetKey("ledger")]
    assert newest is not None and newest.run_id == runs[-1].run_id


def test_what_dagsters_own_storage_wrote_is_read(prepared_home: Home) -> None:
    config = (prepared_home.dagster / "dagster.yaml").read_text()
    (prepared_home.dagster / "dagster.yaml").write_text(config.split("event_log_storage:")[0])
    with dg.DagsterInstance.get() as instance:
        before = dg.materialize([ledger], instance=instance)
    (prepared_home.dagster / "dagster.yaml").write_text(config)
    refresh()
    with dg.DagsterInstance.get() as instance:
        assert instance.all_logs(before.run_id)
        assert len(instance.get_runs()) == 2


def test_a_table_that_is_not_there_yet_is_asked_for_again(prepared_home: Home) -> None:
    storage = PooledEventLogStorage(str(prepared_home.dagster))
    assert storage.has_table("asset_keys") and not storage.has_table("of_tomorrow")
    with storage.index_connection() as connection:
        connection.exec_driver_sql("create table of_tomorrow (id integer)")
    assert storage.has_table("of_tomorrow")


def test_live_log_of_a_run_has_its_events_while_the_writer_keeps_its_connection_open(prepared_home: Home) -> None:
    """As the UI watches a run of another process: by a storage of its own."""
    seen: Queue[str] = Queue()

    def callback(entry: dg.EventLogEntry, _cursor: str) -> None:
        seen.put(entry.message)

    with dg.DagsterInstance.get() as writer, dg.DagsterInstance.get() as reader:
        run = writer.create_run_for_job(dg.job(name="watched")(lambda: None))
        writer.report_engine_event("before the watch", run)
        cursor = reader.get_records_for_run(run.run_id).cursor
        reader.watch_event_logs(run.run_id, cursor, callback)
        writer.report_engine_event("during the watch", run)
        assert seen.get(timeout=30) == "during the watch"
        reader.end_watch_event_logs(run.run_id, callback)

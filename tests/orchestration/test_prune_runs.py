"""Runs of Dagster that a prune removes, and the state of the installation that stays."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import dagster as dg

from ingestion.settings import Home
from orchestration.retention.runs import prune_runs

KEPT = 2
MONTHS = dg.StaticPartitionsDefinition(["2026-09", "2026-10"])


@dg.asset(partitions_def=MONTHS)
def charges() -> None:
    """Lands a month."""


@dg.asset(check_specs=[dg.AssetCheckSpec("adds_up", asset="ledger")])
def ledger() -> Iterator[dg.MaterializeResult[None]]:
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True, check_name="adds_up")])


def run(instance: dg.DagsterInstance, asset: dg.AssetsDefinition, month: str | None = None) -> str:
    return dg.materialize([asset], instance=instance, partition_key=month).run_id


def test_old_runs_go_and_the_newest_event_of_each_asset_and_check_stays(prepared_home: Home) -> None:
    home = prepared_home
    with dg.DagsterInstance.get() as instance:
        first = run(instance, charges, "2026-09")
        september = run(instance, charges, "2026-09")
        checked = run(instance, ledger)
        again = [run(instance, ledger) for _ in range(3)]
        newest = [run(instance, charges, "2026-10") for _ in range(KEPT)]
        check = dg.AssetCheckKey(dg.AssetKey("ledger"), "adds_up")
        before = instance.event_log_storage.get_latest_asset_check_execution_by_key([check])
        assert prune_runs(home, instance, KEPT) == 4
        left = {found.run_id for found in instance.get_runs()}
        assert left == {september, again[-1], *newest} and not left & {first, checked}
        assert instance.event_log_storage.get_latest_asset_check_execution_by_key([check]) == before
        assert set(instance.get_materialized_partitions(dg.AssetKey("charges"))) == set(
            MONTHS.get_partition_keys()
        )
        event = instance.get_latest_materialization_event(dg.AssetKey("ledger"))
        assert event is not None and event.run_id == again[-1]
        assert prune_runs(home, instance, KEPT) == 0
    folder = home.dagster / "history" / "runs"
    assert {file.stem for file in folder.glob("*-*.db")} == left
    with closing(sqlite3.connect(folder / "index.db")) as connection:
        assert {name for (name,) in connection.execute("select run_id from asset_check_executions")} == {again[-1]}


def test_runs_that_dagster_no_longer_knows_go_too(prepared_home: Home) -> None:
    """A loss of power took the list of runs; the events of each are in a file of their own."""
    with dg.DagsterInstance.get() as instance:
        lost, standing = run(instance, ledger), run(instance, charges, "2026-09")
        run(instance, ledger)
    folder = prepared_home.dagster / "history"
    for file in folder.glob("runs.db*"):
        file.unlink()
    with dg.DagsterInstance.get() as instance:
        newest = run(instance, ledger)
        assert prune_runs(prepared_home, instance, KEPT) == 2
    assert {file.stem for file in (folder / "runs").glob("*-*.db")} == {standing, newest}
    with closing(sqlite3.connect(folder / "runs" / "index.db")) as connection:
        assert lost not in {name for (name,) in connection.execute("select run_id from event_logs")}


def test_run_that_goes_on_stays(prepared_home: Home) -> None:
    with dg.DagsterInstance.get() as instance:
        found = run(instance, ledger)
        run(instance, ledger)
        started = instance.create_run_for_job(
            dg.define_asset_job("job", [ledger]).resolve(
                asset_graph=dg.Definitions([ledger]).resolve_asset_graph()
            )
        )
        assert prune_runs(prepared_home, instance, 0) == 1
        assert instance.get_run_by_id(found) is None and instance.get_run_by_id(started.run_id) is not None

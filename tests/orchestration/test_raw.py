"""What a landing shows: of a vendor that does not answer, of a source that is not set up, and of one that is silent."""

from __future__ import annotations

import os
from typing import Any

import dagster as dg
import pytest

from ingestion.errors import VendorError
from ingestion.lake import pipeline
from ingestion.lake.contract import Landing, Source
from ingestion.settings import Home
from ingestion.sources.atlas import SOURCE
from ingestion.sources.catalog import SOURCES
from ingestion.sources.registry import SOURCE as REGISTRY
from orchestration.assets import raw
from orchestration.assets.failure import causes
from orchestration.run_lock import RUN_LOCK, RunLock
from tests.orchestration.small_ledger import write_registry


def set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("client_id", "client_secret", "org_id"):
        monkeypatch.setenv(f"SOURCES__ATLAS__{name.upper()}", "x")


def run(home: Home, *assets: dg.AssetsDefinition, **arguments: Any) -> dg.ExecuteInProcessResult:
    os.environ["COSTOWNER_HOME"] = str(home.root)
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            assets,
            partition_key="2026-10",
            instance=instance,
            resources={RUN_LOCK: RunLock()},
            raise_on_error=False,
            **arguments,
        )


def tables(result: dg.ExecuteInProcessResult) -> list[str]:
    return [event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key]


def test_source_that_is_not_set_up_shows_neither_a_table_nor_a_check(prepared_home: Home) -> None:
    result = run(prepared_home, raw.raw_assets(SOURCE))
    assert result.success and tables(result) == [] and result.get_asset_check_evaluations() == []
    assert (prepared_home.lake / "raw_atlas" / "_contract" / "invoices.parquet").exists(), (
        "dbt reads it all the same"
    )


def test_step_that_reads_a_source_runs_where_that_is_not_set_up(prepared_home: Home) -> None:
    """Of a table that another step waits for, Dagster needs an event."""

    @dg.asset(deps=[dg.AssetKey(["raw_atlas", "invoices"])])
    def ledger() -> None: ...

    result = run(prepared_home, raw.raw_assets(SOURCE), ledger)
    assert result.success and tables(result) == ["invoices", "ledger"]
    (event,) = result.asset_materializations_for_node("raw_atlas")
    assert event.metadata["skipped"].value == "not set up"


def test_every_source_waits_for_the_registry() -> None:
    graph = dg.Definitions(assets=raw.RAW_ASSETS, resources={RUN_LOCK: RunLock()}).resolve_asset_graph()
    notes = dg.AssetKey(["raw_registry", "deliveries"])
    for source, assets in zip(SOURCES, raw.RAW_ASSETS, strict=True):
        assert all((notes in graph.get(key).parent_keys) == (source is not REGISTRY) for key in assets.keys)


def test_no_vendor_is_requested_while_the_registry_is_broken(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(monkeypatch)
    monkeypatch.setenv("COSTOWNER_REGISTRY", str(prepared_home.root / "registry"))
    write_registry(prepared_home.root / "registry", "id: r, claim: aws_acount, value: x, owner: search")
    landed: list[str] = []

    def land(home: Home, source: Source, *arguments: Any) -> Landing:
        landed.append(source.name)
        return pipeline.land(home, source, *arguments)

    monkeypatch.setattr(raw, "land", land)
    # As the schedule's landing orders them, whatever their order in the code.
    result = run(prepared_home, raw.raw_assets(SOURCE), raw.raw_assets(REGISTRY))
    assert not result.success and landed == ["registry"]
    (cause,) = causes(result.all_events)
    assert cause.startswith("registry: ") and "ownership_rules.yml, line 2" in cause and "'aws_account'" in cause


@pytest.mark.parametrize(("slices", "is_silent"), [(0, True), (1, False)])
def test_source_that_is_set_up_and_has_never_delivered_is_a_warning(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch, slices: int, is_silent: bool
) -> None:
    def land(home: Home, source: Source, *arguments: Any) -> Landing:
        return Landing(source.name, states={"delivered": slices}, rows={"invoices": slices})

    set_up(monkeypatch)
    monkeypatch.setattr(raw, "land", land)
    (check,) = run(prepared_home, raw.raw_assets(SOURCE)).get_asset_check_evaluations()
    assert check.passed != is_silent
    if is_silent:
        assert check.severity == dg.AssetCheckSeverity.WARN and "sources.atlas.org_id" in str(check.description)


def test_why_a_vendor_is_requested_again_is_logged_before_the_wait(
    prepared_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "Atlas: https://cloud.mongodb.com/api/oauth/token failed 6 times, last with status 503"

    def land(*arguments: Any) -> None:
        raise VendorError(problem)

    monkeypatch.setattr(raw, "land", land)
    monkeypatch.setattr(raw, "AGAIN", dg.RetryPolicy(max_retries=2, delay=0))
    monkeypatch.setenv("COSTOWNER_HOME", str(prepared_home.root))
    set_up(monkeypatch)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [raw.raw_assets(SOURCE)], partition_key="2026-10", instance=instance, resources={RUN_LOCK: RunLock()}
        )
        logged = [entry.user_message for entry in instance.all_logs(result.run_id) if not entry.is_dagster_event]
    again = f"MongoDB Atlas: {problem}; next try in 0 seconds"
    assert [line for line in logged if problem in line] == [
        again,
        again,
        f"MongoDB Atlas: not refreshed: {problem}",
    ]
    (check,) = result.get_asset_check_evaluations()
    assert result.success and not check.passed, "the refresh goes on without it, and shows it"

"""The Dagster definitions as such: they load without any setting, and their parts fit together."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from ingestion.lake.pipeline import declare
from ingestion.settings import PROJECT_ROOT, Home, Month, Window, resolve
from ingestion.sources.catalog import SOURCES
from orchestration.backfill_state import landed
from orchestration.checks.ledger import stale_sources
from sample_company.server import Request, Response, Route, serving

SNAPSHOT = Path(__file__).with_name("definitions.yml")


@pytest.fixture(scope="module")
def defs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COSTOWNER_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("COSTOWNER_HISTORY_START", "2026-07")
        from orchestration.definitions import defs as loaded

        yield loaded


def graph(defs: dg.Definitions) -> Any:
    return defs.resolve_asset_graph()


def test_definitions_load_without_settings_and_every_raw_table_is_an_asset(defs: dg.Definitions) -> None:
    keys = {key.to_user_string() for key in graph(defs).get_all_asset_keys()}
    for source in SOURCES:
        for table in source.tables:
            assert f"{source.dataset}/{table.name}" in keys
    assert {"marts/fact_cost", "marts/dim_owner", "published/marts"} <= keys


def snapshot(defs: dg.Definitions) -> str:
    """What the UI shows, by name: assets by group with their checks, jobs, schedules and sensors."""
    assets: dict[str, dict[str, list[str]]] = {}
    for key in sorted(graph(defs).get_all_asset_keys()):
        checks = sorted(check.name for check in graph(defs).get_check_keys_for_assets({key}))
        assets.setdefault(graph(defs).get(key).group_name, {})[key.to_user_string()] = checks
    repository = defs.get_repository_def()
    shown = {
        "assets": assets,
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "schedules": {schedule.name: str(schedule.cron_schedule) for schedule in repository.schedule_defs},
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
    }
    return yaml.safe_dump(shown, width=130)


def test_definitions_are_those_of_the_snapshot(defs: dg.Definitions) -> None:
    """A renamed asset loses its history and a lost check guards nothing: both show in a review of the snapshot."""
    current = snapshot(defs)
    if os.environ.get("UPDATE_SNAPSHOT"):
        SNAPSHOT.write_text(current)
    assert current == SNAPSHOT.read_text(), "UPDATE_SNAPSHOT=1 writes it; review the difference"


def test_raw_tables_are_upstream_of_their_staging_models(defs: dg.Definitions) -> None:
    parents = graph(defs).get(dg.AssetKey(["staging", "stg_vercel__charges"])).parent_keys
    assert dg.AssetKey(["raw_vercel", "charges"]) in parents


def test_singular_tests_are_described_by_their_opening_comment(defs: dg.Definitions) -> None:
    """Who is paged reads a check's description: the comment that its SQL begins with."""
    found = {key.name: graph(defs).get_check_spec(key).description for key in graph(defs).asset_check_keys}
    for test in (PROJECT_ROOT / "dbt_project" / "tests").glob("*.sql"):
        assert found[test.stem], test.stem
    assert found["ai_days_are_never_billed_and_estimated"] == (
        "No dollar counts twice: no day of a provider has both billed and estimated charges."
    )
    assert str(found["ai_bucket_parts_sum_to_their_charges"]).endswith("in every measure, to the last digit.")


def test_prices_are_landed_after_the_sources_whose_models_they_name(defs: dg.Definitions) -> None:
    parents = graph(defs).get(dg.AssetKey(["raw_prices", "model_aliases"])).parent_keys
    assert {"raw_llm_gateway", "raw_llm_providers", "raw_registry"} == {key.path[0] for key in parents}


def test_every_asset_has_description_owner_kind_group_and_code_and_what_every_refresh_makes_has_freshness(
    defs: dg.Definitions,
) -> None:
    for key in graph(defs).get_all_asset_keys():
        node = graph(defs).get(key)
        assert node.description and node.owners and node.kinds and node.group_name, key
        (code,) = node.metadata["dagster/code_references"].code_references
        assert Path(code.file_path).is_file(), key
        # History is written where a publication has something to record.
        of_vendors = key.path[0].startswith("raw_") and key.path[0] != "raw_history"
        is_made_by_every_refresh = of_vendors or key.path[0] == "published"
        assert (node.freshness_policy is not None) == is_made_by_every_refresh, key


def test_publication_waits_for_the_reconciliation(defs: dg.Definitions) -> None:
    from orchestration.checks.ledger import CHECKS

    specs = {spec.name: spec for check in CHECKS for spec in check.check_specs}
    assert specs["billed_cost_equals_the_delivery_notes"].blocking
    parents = graph(defs).get(dg.AssetKey(["published", "marts"])).parent_keys
    assert dg.AssetKey(["marts", "fact_reconciliation"]) in parents


def test_dbt_tests_are_asset_checks(defs: dg.Definitions) -> None:
    names = {key.name for key in graph(defs).asset_check_keys}
    assert {
        "delivered_cost_equals_the_ledger",
        "slice_days_sum_to_their_charges",
        "every_slice_was_delivered",
    } <= names


def test_schedule_refreshes_the_open_months_in_one_run_once_the_history_is_there(
    defs: dg.Definitions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COSTOWNER_NOW", "2026-11-03T06:30:00Z")
    monkeypatch.setenv("COSTOWNER_HISTORY_START", "2026-01")
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path))
    from orchestration.schedules import daily_refresh

    def window() -> tuple[str, str]:
        context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 3, 6, 30, tzinfo=UTC))
        tags = daily_refresh(context).tags
        return tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]

    assert window() == ("2026-01", "2026-11")
    for source in SOURCES:
        settings = resolve(source.settings, source.name)
        if settings is not None:
            declare(Home(tmp_path), source)
            landed(Home(tmp_path), source, settings, Window(Month(2026, 1), Month(2026, 11)))
    assert window() == ("2026-10", "2026-11")
    assert daily_refresh.default_status == dg.DefaultScheduleStatus.RUNNING


def test_source_is_stale_when_its_newest_charge_is_older_than_its_sla() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    fresh, stale = ((now - timedelta(hours=hours)).replace(tzinfo=None) for hours in (47, 49))
    rows: list[tuple[object, ...]] = [
        ("fresh", fresh, 48, 3),
        ("stale", stale, 48, 3),
        ("absent", None, 48, 0),
        ("mute", None, 48, 2),
    ]
    assert list(stale_sources(rows, now)) == ["stale", "mute"]


def test_stale_source_is_alerted_of_once_by_webhook_and_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.sensors import source_is_stale

    alerts: list[str] = []

    def hook(request: Request) -> Response:
        alerts.append(json.loads(request.body)["text"])
        return Response(200)

    published = tmp_path / "published"
    published.mkdir()
    with duckdb.connect(str(published / "marts.duckdb")) as connection:
        connection.execute(
            "create table source_freshness as select 'aws' as source, timestamp '2026-11-01' as newest_charge_at, "
            "48 as freshness_sla_hours, 5 as slice_count"
        )
    monkeypatch.setenv("COSTOWNER_HOME", str(tmp_path))
    monkeypatch.setenv("COSTOWNER_NOW", "2026-11-23T12:00:00Z")
    with serving([Route("POST", "/hook", hook)]) as base:
        monkeypatch.setenv("COSTOWNER_ALERT_WEBHOOK", f"{base}/hook")
        source_is_stale(dg.build_sensor_context())
        source_is_stale(dg.build_sensor_context())
    assert len(alerts) == 1 and "aws: newest charge 2026-11-01" in alerts[0]

"""A refresh is a landing and a build of what it changed, whoever starts it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from ingestion.settings import Home
from orchestration.assets.failure import HELD
from orchestration.checks.refresh import LANDING_TAG
from orchestration.dbt.change_detection import ChangeDetection


def keys_of(job: str) -> tuple[set[dg.AssetKey], set[str]]:
    """The assets and the names of the checks of a job."""
    from orchestration.definitions import defs

    layer = defs.resolve_job_def(job).asset_layer
    return set(layer.executable_asset_keys), {key.name for key in layer.asset_graph.asset_check_keys}


def test_landing_and_build_are_all_that_a_refresh_in_one_run_is(read_home: Home) -> None:
    refresh, landing, build = (keys_of(job) for job in ("refresh", "landing", "build"))
    assert landing[0] | build[0] == refresh[0] and not landing[0] & build[0]
    assert landing[1] | build[1] == refresh[1]
    assert {key.path[0].startswith("raw_") for key in landing[0]} == {True}
    assert "no_column_but_the_declared_ones" in landing[1], "it blocks the build"


def test_build_of_today_runs_every_check_that_the_publication_requires(read_home: Home) -> None:
    from orchestration.assets.ledger import MODELS_OF_TODAY
    from orchestration.assets.publication import BLOCKING, PUBLISHED

    assets, checks = keys_of("build_of_today")
    assert {key.name for key in BLOCKING} < checks and "every_source_was_refreshed" in checks
    assert assets == {
        *MODELS_OF_TODAY,
        PUBLISHED,
        *(dg.AssetKey(["published", name]) for name in ("parquet", "owners")),
    }
    assert dg.AssetKey(["marts", "source_freshness"]) in assets


@pytest.mark.parametrize("job", ["build", "build_of_today", "refresh"])
def test_blocking_checks_run_after_the_models_and_before_the_publication(read_home: Home, job: str) -> None:
    from orchestration.assets.publication import BLOCKING
    from orchestration.definitions import defs

    plan = defs.resolve_job_def(job).graph.dependency_structure
    upstream = {
        name: {
            output.node_name
            for outputs in plan.input_to_upstream_outputs_for_node(name).values()
            for output in outputs
        }
        for name in defs.resolve_job_def(job).graph.node_dict
    }
    for check in BLOCKING:
        (node,) = [name for name in upstream if name.endswith(check.name)]
        assert "ledger" in upstream[node], check
        assert node in upstream["published__marts"], check


@pytest.mark.parametrize(("has_changes", "job"), [(True, "build"), (False, "build_of_today")])
def test_landing_of_the_schedule_starts_the_build_of_what_it_changed(
    read_home: Home, monkeypatch: pytest.MonkeyPatch, has_changes: bool, job: str
) -> None:
    from orchestration.sensors import build_after_landing

    monkeypatch.setattr(ChangeDetection, "has_changes", lambda _: has_changes)
    request = build_after_landing(after_landing({}))
    assert isinstance(request, dg.RunRequest) and request.job_name == job
    assert request.tags[LANDING_TAG] == request.run_key, "its last check reports what that landing could not read"
    assert build_after_landing.default_status == dg.DefaultSensorStatus.RUNNING


def test_landing_of_the_command_starts_no_second_build(read_home: Home) -> None:
    from orchestration.jobs import COMMAND_TAG
    from orchestration.sensors import build_after_landing

    assert isinstance(build_after_landing(after_landing({COMMAND_TAG: "refresh"})), dg.SkipReason)


def after_landing(tags: dict[str, str]) -> dg.RunStatusSensorContext:
    @dg.job(tags=tags)
    def landing() -> None:
        pass

    instance = dg.DagsterInstance.ephemeral()
    result = landing.execute_in_process(instance=instance)
    return dg.build_run_status_sensor_context(
        sensor_name="build_after_landing",
        dagster_event=result.get_run_success_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )


@pytest.mark.parametrize(
    ("tags", "metadata", "starts"),
    [
        ({}, {HELD: dg.JsonMetadataValue(["focus, 2026-10: held"])}, True),
        ({"costowner/landing": "l"}, {HELD: dg.JsonMetadataValue(["focus, 2026-10: held"])}, True),
        ({}, {}, False),
        ({"costowner/command": "refresh"}, {HELD: dg.JsonMetadataValue(["focus, 2026-10: held"])}, False),
    ],
)
def test_build_that_held_deliveries_is_followed_by_one_without_them(
    read_home: Home, tags: dict[str, str], metadata: dict[str, dg.JsonMetadataValue], starts: bool
) -> None:
    from orchestration.sensors import build_without_held_periods

    @dg.op
    def ledger() -> None:
        raise dg.Failure("a test failed", metadata=metadata, allow_retries=False)

    @dg.job(tags=tags)
    def build() -> None:
        ledger()

    instance = dg.DagsterInstance.ephemeral()
    failed = build.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="build_without_held_periods",
        dagster_event=failed.get_run_failure_event(),
        dagster_instance=instance,
        dagster_run=failed.dagster_run,
    )
    request = build_without_held_periods(context)
    assert isinstance(request, dg.RunRequest) == starts
    if isinstance(request, dg.RunRequest):
        assert request.job_name == "build"
        assert request.tags[LANDING_TAG] == tags.get(LANDING_TAG, failed.dagster_run.run_id)


def test_models_of_today_complete_the_ledger_with_all_their_tests_only(read_home: Home) -> None:
    from orchestration.assets.ledger import MODELS_OF_TODAY, _includes, ledger

    tests = {check for check in ledger.check_keys if check.asset_key in MODELS_OF_TODAY}

    def is_complete(models: frozenset[dg.AssetKey], checks: set[dg.AssetCheckKey]) -> bool:
        context: Any = SimpleNamespace(selected_asset_keys=models, selected_asset_check_keys=checks)
        return _includes(context, MODELS_OF_TODAY)

    assert tests and is_complete(MODELS_OF_TODAY, tests)
    assert not any(is_complete(MODELS_OF_TODAY, tests - {test}) for test in tests)
    assert not any(is_complete(MODELS_OF_TODAY - {model}, tests) for model in MODELS_OF_TODAY)

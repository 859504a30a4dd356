"""The publication refuses every build but the one that was checked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window, resolve
from ingestion.sources.registry import SOURCE as REGISTRY
from orchestration.assets.publication import of_landed_sources
from orchestration.dbt.engine import Engine
from orchestration.publication.build_state import BUILD, BuildState, NotPublishable

CHECKS = [dg.AssetCheckKey(dg.AssetKey("ledger"), name) for name in ("adds_up", "is_once")]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.warehouse.write_text("built")
    return home


def state(home: Home, engine: str = "duckdb") -> BuildState:
    return BuildState(home, Engine(engine))


def build(home: Home, run_id: str, whole: bool = True, complete_part: bool = False, passes: bool = True) -> None:
    """A build that writes the warehouse; one that fails a test ends there."""
    begun = state(home).begin(run_id, whole=whole, complete_part=complete_part)
    home.warehouse.write_text(home.warehouse.read_text() + run_id)
    if passes:
        state(home).tested(begun)


def check(instance: dg.DagsterInstance, of_build: str | None, **passed: bool) -> None:
    """Run checks, all of which pass but those that are named otherwise, on a build."""

    @dg.asset(name="ledger", check_specs=[dg.AssetCheckSpec(key.name, asset="ledger") for key in CHECKS])
    def ledger() -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        yield dg.Output(None)
        for key in CHECKS:
            yield dg.AssetCheckResult(
                check_name=key.name,
                passed=passed.get(key.name, True),
                metadata={BUILD: of_build} if of_build else {},
            )

    dg.materialize([ledger], instance=instance)


def refusal(home: Home, instance: dg.DagsterInstance) -> str:
    with pytest.raises(NotPublishable) as caught:
        state(home).publishable(instance, CHECKS)
    assert "run a whole refresh" in str(caught.value), "every refusal names the way out"
    return str(caught.value)


def test_build_that_was_tested_and_checked_is_published(home: Home, instance: dg.DagsterInstance) -> None:
    build(home, "one")
    check(instance, "one")
    assert state(home).publishable(instance, CHECKS).id == "one"
    build(home, "two", whole=False, complete_part=True)
    check(instance, "two")
    assert state(home).publishable(instance, CHECKS).id == "two", "a part, on what was tested as a whole"


def test_nothing_is_published_before_a_build(home: Home, instance: dg.DagsterInstance) -> None:
    assert "nothing is built yet" in refusal(home, instance)


def test_build_of_another_run_since_the_checks_is_refused(home: Home, instance: dg.DagsterInstance) -> None:
    build(home, "one")
    check(instance, "one")
    build(home, "two")
    assert "adds_up has not run on the build of run two" in refusal(home, instance)


def test_build_whose_tests_failed_or_that_was_killed_is_refused(home: Home, instance: dg.DagsterInstance) -> None:
    build(home, "one", passes=False)
    check(instance, "one")
    assert "run one did not come to its end, a test failed in it, or" in refusal(home, instance)


def test_build_of_a_part_does_not_mend_a_failed_build(home: Home, instance: dg.DagsterInstance) -> None:
    build(home, "one", passes=False)
    build(home, "two", whole=False, complete_part=True)
    check(instance, "two")
    assert "run two did not come to its end, a test failed" in refusal(home, instance)
    build(home, "three")
    check(instance, "three")
    assert state(home).publishable(instance, CHECKS).id == "three"


def test_part_without_all_that_is_made_of_it_is_refused_until_a_whole_build(
    home: Home, instance: dg.DagsterInstance
) -> None:
    build(home, "one")
    build(home, "two", whole=False)
    build(home, "three", whole=False, complete_part=True)
    check(instance, "three")
    assert "built a part of the ledger without all that is made of it" in refusal(home, instance)
    build(home, "four")
    check(instance, "four")
    assert state(home).publishable(instance, CHECKS).id == "four"


@pytest.mark.parametrize("name", [key.name for key in CHECKS])
def test_build_that_failed_any_check_is_refused(home: Home, instance: dg.DagsterInstance, name: str) -> None:
    build(home, "one")
    check(instance, "one", **{name: False})
    assert f"{name} failed on the build of run one" in refusal(home, instance)
    check(instance, "one")
    assert state(home).publishable(instance, CHECKS).id == "one", "what the check failed of is mended"


def test_failed_check_of_what_the_build_is_made_of_refuses_it(home: Home, instance: dg.DagsterInstance) -> None:
    build(home, "one")
    check(instance, "one")
    standing = [dg.AssetCheckKey(dg.AssetKey("ledger"), "never_ran"), CHECKS[1]]
    assert state(home).publishable(instance, CHECKS[:1], standing).id == "one"
    check(instance, None, is_once=False)
    with pytest.raises(NotPublishable, match="is_once failed, or was not reached, when it last ran"):
        state(home).publishable(instance, [], standing)


def test_check_that_a_run_planned_and_did_not_reach_refuses_the_build(
    home: Home, instance: dg.DagsterInstance
) -> None:
    build(home, "one")
    check(instance, "one")

    @dg.asset(name="ledger", check_specs=[dg.AssetCheckSpec(key.name, asset="ledger") for key in CHECKS])
    def ledger() -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
        yield dg.Output(None)
        raise RuntimeError("killed")

    dg.materialize([ledger], instance=instance, raise_on_error=False)
    assert "adds_up has not run on the build of run one" in refusal(home, instance)
    with pytest.raises(NotPublishable, match="adds_up failed, or was not reached, when it last ran"):
        state(home).publishable(instance, [], CHECKS)


@pytest.mark.parametrize("of_build", [None, "zero"])
def test_check_of_another_build_or_of_none_does_not_count(
    home: Home, instance: dg.DagsterInstance, of_build: str | None
) -> None:
    build(home, "one")
    check(instance, of_build)
    assert "has not run on the build of run one" in refusal(home, instance)


def test_warehouse_that_somebody_wrote_after_the_build_is_refused(
    home: Home, instance: dg.DagsterInstance
) -> None:
    build(home, "one")
    check(instance, "one")
    home.warehouse.write_text("by a dbt run of somebody's")
    assert "was written after the build of run one" in refusal(home, instance)


def test_build_can_be_published_again_as_the_publication_left_it(home: Home, instance: dg.DagsterInstance) -> None:
    build(home, "one")
    check(instance, "one")
    publishable = state(home).publishable(instance, CHECKS)
    home.warehouse.write_text("in today's format")
    state(home).published(publishable)
    assert state(home).publishable(instance, CHECKS).id == "one"


def test_check_of_a_source_that_has_landed_nothing_holds_up_no_publication(tmp_path: Path) -> None:
    check = dg.AssetCheckKey(dg.AssetKey([REGISTRY.dataset, "owners"]), "is_complete")
    home, settings = Home(tmp_path), resolve(REGISTRY.settings, REGISTRY.name)
    assert of_landed_sources(home, [check]) == []
    land(home, REGISTRY, settings, Window(Month(2026, 11), Month(2026, 11)), datetime(2026, 11, 2, tzinfo=UTC))
    assert of_landed_sources(home, [check]) == [check]

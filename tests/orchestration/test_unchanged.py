"""A refresh without news tells of every model, in the order that Dagster wants, and as early as it may."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster_dbt.errors import DagsterDbtError

from ingestion.settings import Home
from orchestration.engine import Engine
from orchestration.environment import DBT_PROJECT
from orchestration.news import Scope
from orchestration.translator import LedgerTranslator
from orchestration.unchanged import LEFT_ALONE, with_the_rest
from orchestration.verdicts import Verdicts

ENGINE, TRANSLATOR = Engine("duckdb"), LedgerTranslator()
RAW, SLICES, CHARGES, OWNERS, STATEMENT = (
    dg.AssetKey(["ledger", name]) for name in ("raw", "slices", "charges", "owners", "statement")
)
UNCHANGED = {RAW, CHARGES, STATEMENT}
CHECKED = dg.AssetCheckSpec("adds_up", asset=STATEMENT)
SEEN = dg.AssetCheckSpec("has_owners", asset=OWNERS)


@dg.multi_asset(
    specs=[
        dg.AssetSpec(RAW, skippable=True),
        dg.AssetSpec(SLICES, deps=[RAW], skippable=True),
        dg.AssetSpec(CHARGES, deps=[SLICES], skippable=True),
        dg.AssetSpec(OWNERS, skippable=True),
        dg.AssetSpec(STATEMENT, deps=[CHARGES, OWNERS], skippable=True),
    ],
    check_specs=[CHECKED, SEEN],
)
def ledger() -> Iterator[Any]:
    yield from ()


def output_of(key: dg.AssetKey) -> dg.Output[Any]:
    return dg.Output(None, ledger.get_output_name_for_asset_key(key), metadata={"built": True})


def result_of(check: dg.AssetCheckSpec) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(asset_key=check.asset_key, check_name=check.name, passed=True)


def told(events: Iterator[Any]) -> Iterator[tuple[str, str]]:
    """Each event: the last part of its asset's key, and whether it was built, nothing new, or a check's name."""
    for event in events:
        if isinstance(event, dg.Output):
            (said,) = event.metadata
            yield str(event.output_name).split("__")[-1], said
        else:
            yield event.asset_key.path[-1], str(event.check_name)


def test_models_are_told_after_what_they_are_made_of_and_no_later_than_need_be(tmp_path: Path) -> None:
    verdicts = Verdicts(tmp_path)
    list(verdicts.noting(iter([result_of(CHECKED), result_of(SEEN)])))
    asked: list[str] = []

    def build() -> Iterator[Any]:
        for event in (output_of(OWNERS), result_of(SEEN), output_of(SLICES)):
            asked.append(event.output_name if isinstance(event, dg.Output) else str(event.check_name))
            yield event

    found = told(with_the_rest(build(), ledger, UNCHANGED, verdicts))
    assert next(found) == ("raw", "nothing new") and not asked, "nothing of dbt is waited for that need not be"
    assert list(found) == [
        ("owners", "built"),
        ("owners", "has_owners"),
        ("slices", "built"),
        ("charges", "nothing new"),
        ("statement", "nothing new"),
        ("statement", "adds_up"),
    ]


def test_checks_that_dbt_does_not_run_say_again_what_they_said_as_soon_as_their_model_is_told(
    tmp_path: Path,
) -> None:
    verdicts = Verdicts(tmp_path)
    list(verdicts.noting(iter([result_of(CHECKED), result_of(SEEN)])))
    build = iter([output_of(OWNERS), output_of(SLICES), result_of(SEEN)])
    assert list(told(with_the_rest(build, ledger, UNCHANGED, verdicts, is_tested=False))) == [
        ("raw", "nothing new"),
        ("owners", "built"),
        ("slices", "built"),
        ("charges", "nothing new"),
        ("statement", "nothing new"),
        ("statement", "adds_up"),
        ("owners", "has_owners"),
    ]


def test_a_build_that_fails_tells_what_it_built_and_fails(tmp_path: Path) -> None:
    def build() -> Iterator[Any]:
        yield output_of(OWNERS)
        raise DagsterDbtError("a model could not be built")

    found: list[tuple[str, str]] = []
    with pytest.raises(DagsterDbtError, match="could not be built"):
        for event in told(with_the_rest(build(), ledger, UNCHANGED, Verdicts(tmp_path))):
            found.append(event)
    assert ("owners", "built") in found


@pytest.fixture
def manifest(read_home: Home) -> dict[str, Any]:
    """The project's own, as dbt read it."""
    found: dict[str, Any] = json.loads(ENGINE.manifest(read_home).read_text())
    return found


def test_what_dbt_leaves_alone_is_what_its_arguments_say(read_home: Home, manifest: dict[str, Any]) -> None:
    """Of the project itself: dbt lists what it would build, and the assets that are told as unchanged are the others."""
    keys = {
        node["unique_id"]: TRANSLATOR.get_asset_key(node)
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    }
    tests = {name for name, node in manifest["nodes"].items() if node["resource_type"] == "test"}
    for scope in (Scope.TODAY, Scope.DELIVERIES):
        rest = LEFT_ALONE[scope]
        listed = listed_by_dbt(read_home, *rest.arguments)
        assert {keys[name] for name in keys.keys() - listed} == rest.assets(manifest, TRANSLATOR) != set()
        assert not rest.is_tested or tests <= listed, "what is read through a view may be new"
        of_unchanged = {
            test for test in tests if set(manifest["nodes"][test]["depends_on"]["nodes"]) & (keys.keys() - listed)
        }
        assert rest.is_tested or not of_unchanged & listed, "their checks have said all that they will"


def listed_by_dbt(home: Home, *arguments: str) -> set[str]:
    """The ids of all that `dbt build` with these arguments would build."""
    asked = [
        "list",
        "--quiet",
        "--output",
        "json",
        "--output-keys",
        "unique_id",
        "--exclude-resource-type",
        "unit_test",
    ]
    command = [str(ENGINE.dbt), *asked, "--target-path", str(ENGINE.target_folder(home)), *arguments]
    listed = subprocess.run(command, cwd=DBT_PROJECT, check=True, capture_output=True, text=True).stdout
    return {json.loads(line)["unique_id"] for line in listed.splitlines() if line.startswith("{")}


def test_only_staging_and_tables_ask_before_they_are_built(manifest: dict[str, Any]) -> None:
    """A view whose SQL is made of an answer (which files there are) must be made anew when deliveries are."""
    macros = manifest["macros"]

    def asks(node: dict[str, Any]) -> bool:
        todo, seen = list(node["depends_on"]["macros"]), set()
        while todo:
            name = todo.pop()
            if name in macros and name not in seen:
                seen.add(name)
                todo.extend(macros[name]["depends_on"]["macros"])
        return bool(seen & {"macro.dbt.run_query", "macro.dbt.statement"})

    left = LEFT_ALONE[Scope.DELIVERIES]
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    views = [node for node in models if node["config"]["materialized"] == "view"]
    assert [node["name"] for node in views if left.holds(node) and asks(node)] == []
    assert [node["name"] for node in views if asks(node)], "the test sees who asks"

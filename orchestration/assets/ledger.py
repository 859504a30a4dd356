"""The ledger: every dbt model an asset, every dbt test a check. dbt finds out itself which periods to build."""

import json
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.errors import DagsterDbtError

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.engine import Engine
from orchestration.lineage import Lineage, with_lineage
from orchestration.news import UNCHANGED, Logic, News
from orchestration.project import LedgerCli, dbt_project
from orchestration.translator import LedgerTranslator
from orchestration.verdicts import Verdicts

PROJECT = dbt_project()
DBT = LedgerCli.of(PROJECT)
TRANSLATOR = LedgerTranslator()


@dbt_assets(manifest=PROJECT.manifest_path, dagster_dbt_translator=TRANSLATOR, name="ledger")
def ledger(context: dg.AssetExecutionContext, dbt: LedgerCli) -> Iterator[Any]:
    """Build what changed and test it. Unit tests are for `make test`: they prove the SQL, not the data.

    Where nothing changed at all, only what tells of the refresh and of today is built; the rest is up to date.
    """
    home, engine = Home.from_environment(), Engine.from_environment()
    target = engine.target_folder(home)
    engine.wait_until_reachable()
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    # One writer of the warehouse at a time. (Dagster's pools would do, but a killed run keeps its slot in them.)
    with alone(home, "warehouse"):
        logic = Logic(home, engine)
        has_news = News(home, engine).begin(whole=not context.is_subset) or logic.is_new()
        if not has_news:
            context.log.info("nothing new was delivered: the ledger stays as it is")
            # dbt's manifest is the last build's, and is not written again: a quarter of dbt's time here.
            arguments += ["--exclude", UNCHANGED, "--no-write-json"]
        elif logic.is_new() and not context.is_subset:
            arguments += ["--full-refresh"]
        # One target folder, so that dbt parses only what changed and no run leaves a folder of its own.
        build = dbt.cli(arguments, context=context, target_path=target)
        lineage = Lineage(PROJECT, target, TRANSLATOR, engine.dialect)
        verdicts = Verdicts(target)
        events = verdicts.noting(build.stream())
        if not has_news:
            events = _with_the_rest(events, context.assets_def, verdicts)
        try:
            yield from with_lineage(events, lineage)
        except DagsterDbtError:
            if has_news and not context.is_subset and _all_models_are_built(target):
                logic.built()
            raise
        if not context.is_subset:
            logic.built()


def _all_models_are_built(target: Path) -> bool:
    """Whether what failed in the build that has just ended were checks only."""
    results = json.loads((target / "run_results.json").read_text())["results"]
    states = [found["status"] for found in results if found["unique_id"].startswith("model.")]
    return bool(states) and all(state == "success" for state in states)


def _with_the_rest(events: Iterator[Any], assets: dg.AssetsDefinition, verdicts: Verdicts) -> Iterator[Any]:
    """Events of a build without news, and every model that stays as it is as refreshed all the same.

    What follows them runs then, and their age is judged by it; what their checks said of them holds. Dagster wants
    models after what they are made of.
    """
    built: list[Any] = []
    try:
        built.extend(events)
    except DagsterDbtError:
        yield from built
        raise
    outputs = {event.output_name: event for event in built if isinstance(event, dg.Output)}
    names = {key: name for name, key in assets.keys_by_output_name.items()}
    for key in TopologicalSorter({key: assets.asset_deps[key] for key in names}).static_order():
        if key in names:
            yield outputs.get(names[key]) or dg.Output(None, names[key], metadata={"nothing new": True})
    yield from (event for event in built if not isinstance(event, dg.Output))
    said = {(event.asset_key, event.check_name) for event in built if isinstance(event, dg.AssetCheckResult)}
    yield from verdicts.standing(key for key in assets.check_keys if (key.asset_key, key.name) not in said)

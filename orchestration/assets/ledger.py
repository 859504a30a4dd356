"""The ledger: every dbt model an asset, every dbt test a check. dbt finds out itself which periods to build."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.errors import DagsterDbtError

from ingestion.settings import Home
from orchestration.build_state import BuildState
from orchestration.dbt_failure import why_it_failed
from orchestration.engine import Engine
from orchestration.lineage import Lineage, with_lineage
from orchestration.news import Logic, News, Scope
from orchestration.project import LedgerCli, built_all_models, dbt_project, results_of
from orchestration.run_lock import RUN_LOCK
from orchestration.translator import LedgerTranslator
from orchestration.unchanged import LEFT_ALONE, with_the_rest
from orchestration.verdicts import Verdicts

PROJECT = dbt_project()
DBT = LedgerCli.of(PROJECT)
TRANSLATOR = LedgerTranslator()


def _is_complete_part(context: dg.AssetExecutionContext) -> bool:
    """Whether with every model that is selected all that is made of it is selected too, and all of their tests."""
    selected = context.selected_asset_keys
    follow = {key for key, made_of in ledger.asset_deps.items() if made_of & selected}
    tests = {check for check in ledger.check_keys if check.asset_key in selected}
    return bool(follow <= selected and tests <= context.selected_asset_check_keys)


@dbt_assets(
    manifest=PROJECT.manifest_path,
    dagster_dbt_translator=TRANSLATOR,
    name="ledger",
    required_resource_keys={"dbt", RUN_LOCK},
)
def ledger(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """Build what changed and test it. Unit tests are for `make test`: they prove the SQL, not the data.

    How much of it that is, is found out first (`orchestration/news.py`); the rest is up to date.
    """
    home, engine = Home.from_environment(), Engine.from_environment()
    target = engine.target_folder(home)
    engine.wait_until_reachable()
    arguments = ["--exclude-resource-type", "unit_test"]
    whole = not context.is_subset
    state = BuildState(home, engine)
    started = state.begin(context.run_id, whole=whole, complete_part=_is_complete_part(context))
    logic = Logic(home, engine)
    scope = News(home, engine).begin(whole)
    if logic.is_new():
        scope = Scope.EVERYTHING
        if whole:
            arguments.append("--full-refresh")
    if scope is Scope.TODAY:
        context.log.info("nothing new was delivered: the ledger stays as it is")
    rest = LEFT_ALONE[scope]
    dbt: LedgerCli = context.resources.dbt
    results_of(target).unlink(missing_ok=True)  # a build that is killed leaves none of its own
    build = dbt.cli(["build", *arguments, *rest.arguments], context=context, target_path=target)
    lineage = Lineage(PROJECT, target, TRANSLATOR, engine.dialect)
    verdicts = Verdicts(target)
    events = verdicts.noting(build.stream())
    if scope is not Scope.EVERYTHING:
        unchanged = rest.assets(build.manifest, TRANSLATOR)
        events = with_the_rest(events, context.assets_def, unchanged, verdicts, rest.is_tested)
    try:
        yield from with_lineage(events, lineage)
    except DagsterDbtError as error:
        if whole and built_all_models(target):
            logic.built()
        raise dg.Failure(why_it_failed(home, engine, error), allow_retries=False) from error
    if whole:
        logic.built()
    state.tested(started)

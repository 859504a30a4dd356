"""The ledger: every dbt model an asset, every dbt test a check. dbt finds out itself which periods to build."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets
from dagster_dbt.errors import DagsterDbtError

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.engine import Engine
from orchestration.lineage import Lineage, with_lineage
from orchestration.news import Logic, News, Scope
from orchestration.project import LedgerCli, built_all_models, dbt_project
from orchestration.translator import LedgerTranslator
from orchestration.unchanged import LEFT_ALONE, with_the_rest
from orchestration.verdicts import Verdicts

PROJECT = dbt_project()
DBT = LedgerCli.of(PROJECT)
TRANSLATOR = LedgerTranslator()


@dbt_assets(manifest=PROJECT.manifest_path, dagster_dbt_translator=TRANSLATOR, name="ledger")
def ledger(context: dg.AssetExecutionContext, dbt: LedgerCli) -> Iterator[Any]:
    """Build what changed and test it. Unit tests are for `make test`: they prove the SQL, not the data.

    How much of it that is, is found out first (`orchestration/news.py`); the rest is up to date.
    """
    home, engine = Home.from_environment(), Engine.from_environment()
    target = engine.target_folder(home)
    engine.wait_until_reachable()
    arguments = ["--exclude-resource-type", "unit_test"]
    # One writer of the warehouse at a time. (Dagster's pools would do, but a killed run keeps its slot in them.)
    with alone(home, "warehouse"):
        logic = Logic(home, engine)
        scope = News(home, engine).begin(whole=not context.is_subset)
        if logic.is_new():
            scope = Scope.EVERYTHING
            if not context.is_subset:
                arguments.append("--full-refresh")
        if scope is Scope.TODAY:
            context.log.info("nothing new was delivered: the ledger stays as it is")
        rest = LEFT_ALONE[scope]
        build = dbt.build([*arguments, *rest.arguments], context, target)
        lineage = Lineage(PROJECT, target, TRANSLATOR, engine.dialect)
        verdicts = Verdicts(target)
        events = verdicts.noting(build.stream())
        if scope is not Scope.EVERYTHING:
            unchanged = rest.assets(build.manifest, TRANSLATOR)
            events = with_the_rest(events, context.assets_def, unchanged, verdicts, rest.is_tested)
        try:
            yield from with_lineage(events, lineage)
        except DagsterDbtError:
            if not context.is_subset and built_all_models(target):
                logic.built()
            raise
        if not context.is_subset:
            logic.built()

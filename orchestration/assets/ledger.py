"""The ledger: every dbt model an asset, every dbt test a check. dbt finds out itself which periods to build."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.engine import Engine
from orchestration.lineage import Lineage, with_lineage
from orchestration.project import LedgerCli, dbt_project
from orchestration.translator import LedgerTranslator

PROJECT = dbt_project()
DBT = LedgerCli.of(PROJECT)
TRANSLATOR = LedgerTranslator()


@dbt_assets(manifest=PROJECT.manifest_path, dagster_dbt_translator=TRANSLATOR, name="ledger")
def ledger(context: dg.AssetExecutionContext, dbt: LedgerCli) -> Iterator[Any]:
    """Build what changed and test it. Unit tests are for `make test`: they prove the SQL, not the data."""
    home, engine = Home.from_environment(), Engine.from_environment()
    target = engine.target_folder(home)
    engine.wait_until_reachable()
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    # One writer of the warehouse at a time. (Dagster's pools would do, but a killed run keeps its slot in them.)
    with alone(home, "warehouse"):
        # One target folder, so that dbt parses only what changed and no run leaves a folder of its own.
        build = dbt.cli(arguments, context=context, target_path=target)
        lineage = Lineage(PROJECT, target, TRANSLATOR, engine.dialect)
        yield from with_lineage(build.stream(), lineage)

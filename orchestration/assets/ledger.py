"""The ledger: every dbt model an asset, every dbt test a check. dbt finds out itself which periods to build."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import DbtCliResource, dbt_assets

from ingestion.lake import alone
from ingestion.settings import Home
from orchestration.lineage import Lineage, with_lineage
from orchestration.project import dbt_project
from orchestration.translator import LedgerTranslator

PROJECT = dbt_project()
DBT = DbtCliResource(project_dir=PROJECT)
TRANSLATOR = LedgerTranslator()


@dbt_assets(manifest=PROJECT.manifest_path, dagster_dbt_translator=TRANSLATOR, name="ledger")
def ledger(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
    """Build what changed and test it. Unit tests are for `make test`: they prove the SQL, not the data."""
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    # One writer of the warehouse at a time. (Dagster's pools would do, but a killed run keeps its slot in them.)
    with alone(Home.from_environment(), "warehouse"):
        # One target folder, so that dbt parses only what changed and no run leaves a folder of its own.
        build = dbt.cli(arguments, context=context, target_path=PROJECT.target_path)
        lineage = Lineage(PROJECT.project_dir, PROJECT.target_path, TRANSLATOR)
        yield from with_lineage(build.stream(), lineage)

"""What this version of the project has no longer leaves the warehouse, on both engines."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import duckdb
import pytest

from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT
from tests.engines import SHORT_LIVED, needs_spark

# All invocations of dbt in one process: Spark starts once.
RUN = """
import json, sys
from dbt.cli.main import dbtRunner
for arguments in json.loads(sys.argv[1]):
    result = dbtRunner().invoke(arguments)
    if not result.success:
        sys.exit(str(result.exception or arguments))
"""


class Warehouse:
    """A warehouse of one engine in a folder of its own."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self._folder = engine, folder
        self.marts = "marts" if engine.is_spark else "main"

    def create(self, *statements: str) -> None:
        self._run([["run_query", "--args", json.dumps({"sql": sql})] for sql in statements])

    def upgrade(self) -> None:
        """In a process of its own: dbt lists the relations once per process."""
        self._run([["upgrade_warehouse"]])

    def _run(self, calls: list[list[str]]) -> None:
        options = [
            "--target",
            self._engine.name,
            "--profiles-dir",
            ".",
            "--target-path",
            str(self._folder / "target"),
        ]
        options += ["--log-path", str(self._folder / "logs"), "--quiet"]
        done = subprocess.run(
            [
                str(self._engine.python),
                "-c",
                RUN,
                json.dumps([["run-operation", *call, *options] for call in calls]),
            ],
            cwd=DBT_PROJECT,
            env={
                **os.environ,
                **SHORT_LIVED,
                "COSTOWNER_LAKE_PATH": str(self._folder / "lake"),
                "COSTOWNER_WAREHOUSE": str(self._folder / "warehouse.duckdb"),
                "COSTOWNER_SPARK_HOME": str(self._folder / "spark"),
            },
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]

    def relations(self) -> set[str]:
        if self._engine.is_spark:
            return {
                table.name for table in (self._folder / "spark" / "warehouse").glob("*.db/*") if table.is_dir()
            }
        with duckdb.connect(str(self._folder / "warehouse.duckdb")) as connection:
            return {
                str(name)
                for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()
            }

    def table(self, name: str, select: str) -> str:
        return f"create table {name} {'using parquet' if self._engine.is_spark else ''} as {select}"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("duckdb", id="duckdb"),
        pytest.param("spark_session", id="spark", marks=[needs_spark, pytest.mark.spark_whole]),
    ],
)
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """What an earlier version left, after the upgrade."""
    found = Warehouse(Engine(request.param), tmp_path_factory.mktemp(request.param))
    schemas = [f"create schema if not exists {name}" for name in (found.marts, "staging", "intermediate", "seeds")]
    found.create(
        *schemas,
        found.table(f"{found.marts}.fact_belief", "select 'key1' as belief_key"),
        found.table(f"{found.marts}.fact_cost_revision", "select 'key1' as cost_revision_key"),
        found.table("intermediate.int_pools__weighed", "select 1 as weight"),
        found.table("intermediate.int_llm_requests__measured", "select 1 as input_tokens"),
        "create view intermediate.int_openai_charges__classified as select 1 as billed_cost",
        "create view staging.stg_llm_providers__anthropic_claude_code as select 1 as amount",
        found.table("seeds.source_promises", "select 1 as promise_hours"),
        found.table("intermediate.analyst_notes", "select 1 as note"),
    )
    found.upgrade()
    return found


def test_upgrade_drops_what_is_retired_and_nothing_else(warehouse: Warehouse) -> None:
    assert warehouse.relations() == {"fact_cost_revision", "analyst_notes"}


def test_no_model_is_dropped_as_retired() -> None:
    """A name that is used again is no longer retired: each run would drop it before the models that read it are built."""
    retired = set(re.findall(r'"(\w+)"', (DBT_PROJECT / "macros" / "upgrade.sql").read_text()))
    models = {file.stem for file in (DBT_PROJECT / "models").rglob("*.sql")}
    assert models and retired and not models & retired

"""A warehouse that an earlier version built is brought to today's names, on both engines."""

from __future__ import annotations

import json
import os
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
EARLIER = (
    "select 'key1' as belief_key, cast(7.000000000001 as decimal(38, 12)) as billed_change, 'aws' as source, "
    "'2026-09' as billing_month, 1 as belief_number, timestamp '2026-10-01 06:00:00' as believed_at "
    "union all select 'key2', cast(-2 as decimal(38, 12)), 'aws', '2026-09', 2, timestamp '2026-10-05 06:00:00'"
)
CARRIED = [
    ("aws", "2026-09", 1, "key1", "7.000000000001", "2026-10-01 06:00:00"),
    ("aws", "2026-09", 2, "key2", "-2.000000000000", "2026-10-05 06:00:00"),
]
ROWS = (
    "select source, cast(billing_month as varchar), cast(revision_number as integer), cost_revision_key, "
    "cast(billed_change as varchar), strftime(known_at at time zone 'UTC', '%Y-%m-%d %H:%M:%S') from {} order by 3"
)


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

    def revisions(self) -> list[tuple[object, ...]]:
        files = self._folder / "spark" / "warehouse" / "marts.db" / "fact_cost_revision"
        table = f"read_parquet('{files}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
        file = ":memory:" if self._engine.is_spark else str(self._folder / "warehouse.duckdb")
        with duckdb.connect(file) as connection:
            connection.execute("set timezone = 'UTC'")
            rows = ROWS.format(table if self._engine.is_spark else "fact_cost_revision")
            if not self._engine.is_spark:
                rows = rows.replace(" at time zone 'UTC'", "")
            return connection.execute(rows).fetchall()

    def table(self, name: str, select: str) -> str:
        return f"create table {name} {'using parquet' if self._engine.is_spark else ''} as {select}"


@pytest.fixture(
    scope="module",
    params=[pytest.param("duckdb", id="duckdb"), pytest.param("spark_session", id="spark", marks=needs_spark)],
)
def warehouse(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """What an earlier version left, and a copy that was interrupted, after the upgrade."""
    found = Warehouse(Engine(request.param), tmp_path_factory.mktemp(request.param))
    schemas = [f"create schema if not exists {name}" for name in (found.marts, "staging", "intermediate", "seeds")]
    found.create(
        *schemas,
        found.table(f"{found.marts}.fact_belief", EARLIER),
        found.table(f"{found.marts}.fact_cost_revision__draft", "select 1 as half_written"),
        found.table("intermediate.int_pools__weighed", "select 1 as weight"),
        found.table("intermediate.int_llm_requests__measured", "select 1 as input_tokens"),
        "create view intermediate.int_openai_charges__classified as select 1 as billed_cost",
        "create view staging.stg_llm_providers__anthropic_claude_code as select 1 as amount",
        found.table("seeds.source_promises", "select 1 as promise_hours"),
        found.table("intermediate.analyst_notes", "select 1 as note"),
    )
    found.upgrade()
    return found


def test_upgrade_carries_the_history_over_row_for_row(warehouse: Warehouse) -> None:
    assert warehouse.revisions() == CARRIED


def test_upgrade_drops_what_is_retired_and_nothing_else(warehouse: Warehouse) -> None:
    assert warehouse.relations() == {"fact_cost_revision", "analyst_notes"}


def test_upgrade_that_stopped_before_the_drop_keeps_the_copy(warehouse: Warehouse) -> None:
    other = "select 'other' as belief_key, 'aws' as source"
    warehouse.create(warehouse.table(f"{warehouse.marts}.fact_belief", other))
    warehouse.upgrade()
    assert warehouse.revisions() == CARRIED
    assert warehouse.relations() == {"fact_cost_revision", "analyst_notes"}

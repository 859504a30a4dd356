"""Builds on a real Spark cluster on loopback, through its Thrift server (`make test-cluster`; too slow for every CI run)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingestion.settings import Home
from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT
from sample_company.stage import staged
from tests.cluster import Cluster, spark_cluster
from tests.end_to_end.conftest import SECOND, UNTIL, Company
from tests.end_to_end.test_engines import OTHER_SEED, assert_same_marts
from tests.engines import needs_spark

# Four builds: minutes each.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(3600), needs_spark]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with spark_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def full_build(company: Company, marker: str, action: Callable[[], None]) -> str:
    """Build every period of every model again. Calls `action` at the line with `marker`. Gives dbt's output."""
    engine, home = Engine("spark"), Home(company.home)
    process = subprocess.Popen(
        [
            *(str(engine.dbt), "build", "--full-refresh", "--target", engine.name, "--profiles-dir", "."),
            *("--exclude-resource-type", "unit_test"),
            *("--target-path", str(engine.target_folder(home)), "--log-path", str(home.root / "dbt_logs")),
        ],
        cwd=DBT_PROJECT,
        env={**company.environment, **engine.environment(home)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines, is_done = [], False
    for line in process.stdout:
        lines.append(line)
        if not is_done and marker in line:
            action()
            is_done = True
    assert process.wait() == 0 and is_done, "".join(lines)[-4000:]
    return "".join(lines)


def test_full_build_twice_and_with_a_worker_killed_in_the_middle(cluster: Cluster, tmp_path: Path) -> None:
    with staged(tmp_path / "world", seed=OTHER_SEED, until=UNTIL, as_of=SECOND) as stage:
        duck = Company(stage, tmp_path / "duckdb", SECOND)
        found = Company(stage, tmp_path / "cluster", SECOND, settings=dict(cluster.settings))
        duck.refresh()
        for _ in range(2):
            found.refresh()
            assert_same_marts(found, duck)
        full_build(found, "START sql incremental model intermediate.int_claims__summed", cluster.kill_a_worker)
        assert len(cluster.workers) == 1
        found.refresh()
        assert_same_marts(found, duck)

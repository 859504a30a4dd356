"""DuckDB and Spark build the same marts from the same lake of the sample company, row for row, to the last digit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster_dbt.errors import DagsterDbtError

from ingestion.settings import PROJECT_ROOT, Home
from orchestration.dbt.engine import Engine
from orchestration.dbt.failure import why_it_failed
from orchestration.dbt.project_files import DBT_PROJECT
from orchestration.publication.holding import hold_failing_periods
from sample_company.stage import Stage, staged
from tests.end_to_end.conftest import FIRST, SECOND, UNTIL, Company, output_until
from tests.engines import SHORT_LIVED, needs_spark

# Spark plans every model again, whatever its size: minutes per build.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400), needs_spark]

SPARK = {"COSTOWNER_ENGINE": "spark_session", "COSTOWNER_SPARK_PARTITIONS": "1", **SHORT_LIVED}
# Only part of the history, so that a build on Spark takes a few minutes. August is already closed on the first day.
RECENT = {"COSTOWNER_HISTORY_START": "2026-08"}
OTHER_SEED = 11
# A refresh logs this line when all sources have landed.
BUILDS = "Running dbt command"


def assert_same_marts(spark: Company, duck: Company) -> None:
    """Every published table and view: names, columns, types and rows."""
    assert spark.types() == duck.types()
    found, expected = spark.marts(), duck.marts()
    for mart, rows in expected.items():
        assert len(found[mart]) == len(rows), mart
        differing = [pair for pair in zip(found[mart], rows, strict=True) if pair[0] != pair[1]]
        assert not differing, (mart, len(differing), differing[:1])
    print(f"equal on both engines: {', '.join(f'{mart} {len(rows)}' for mart, rows in expected.items())}")


def unset(stage: Stage, *sources: str) -> dict[str, str]:
    """Settings that disable these sources."""
    return {name: "" for name in stage.environment if name.startswith(tuple(f"SOURCES__{one}" for one in sources))}


def refresh(spark: Company, duck: Company) -> set[str]:
    """Refresh both on one lake. DuckDB's refresh lands. When it starts to build, Spark's starts and finds everything landed.

    Gives the months that were requested from the sources.
    """
    landing = duck.start()
    landed = output_until(landing, BUILDS)
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(landing.communicate)
        spark.refresh()
        output = landed + building.result()[0]
    assert landing.returncode == 0, output[-4000:]
    return set(re.findall(r"asking for ([0-9-]+ to [0-9-]+)", output))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Company]]:
    """The same company on Spark and on DuckDB, after its first refresh."""
    root = tmp_path_factory.mktemp("engines")
    with staged(root / "world", until=UNTIL, as_of=FIRST) as stage:
        duck = Company(stage, root / "duckdb", FIRST, settings=dict(RECENT))
        lake = {"COSTOWNER_LAKE": str(duck.home / "lake")}
        # DuckDB's refresh lands everything, so most sources are not set up for Spark. (The AI sources are: without their
        # settings DuckDB's next refresh would request their whole history.)
        clouds = unset(stage, "AWS", "FOCUS", "VERCEL", "ATLAS")
        spark = Company(stage, root / "spark", FIRST, settings=RECENT | SPARK | lake | clouds)
        assert refresh(spark, duck) == {"2026-08 to 2026-10"}
        yield spark, duck


@pytest.fixture(scope="module")
def restated(pair: tuple[Company, Company]) -> tuple[Company, Company]:
    """Both, refreshed again after a delivery of another seed's months, except the one that is closed for good."""
    stage = pair[0].stage
    stage.restate(OTHER_SEED)
    stage.show(SECOND)
    for company in pair:
        company.as_of = SECOND
    requested = refresh(*pair)
    assert requested == {"2026-09 to 2026-10"}, "an incremental refresh requests the open months"
    return pair


@pytest.fixture
def spark_company(pair: tuple[Company, Company]) -> Company:
    return pair[0]


def test_marts_are_the_same_after_a_first_refresh(pair: tuple[Company, Company]) -> None:
    assert_same_marts(*pair)


@pytest.mark.spark_whole
def test_marts_are_the_same_after_an_incremental_refresh_of_another_seed(
    restated: tuple[Company, Company],
) -> None:
    assert_same_marts(*restated)


@pytest.mark.spark_whole
def test_unchanged_views_are_not_recreated(restated: tuple[Company, Company]) -> None:
    """The SQL of a view over files changes with every delivery; a view over views is created once (`skip_unchanged_view`)."""
    results = json.loads(
        (Engine("spark_session").target_folder(Home(restated[0].home)) / "run_results.json").read_text()
    )
    skipped = {result["unique_id"] for result in results["results"] if result["message"] == "as it was"}
    assert "model.costowner.int_aws_charges__classified" in skipped
    assert "model.costowner.stg_aws__cost_and_usage_report" not in skipped


def test_column_lineage_covers_spark_sql(spark_company: Company) -> None:
    with dg.DagsterInstance.from_config(str(spark_company.home / "dagster")) as instance:
        staged = instance.get_latest_materialization_event(dg.AssetKey(["staging", "stg_vercel__charges"]))
    assert staged is not None and staged.asset_materialization is not None
    raw = staged.asset_materialization.metadata["dagster/column_lineage"].value
    assert isinstance(raw, dg.TableColumnLineage)
    assert raw.deps_by_column["billed_cost"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["raw_vercel", "charges"]), column_name="billed_cost")
    ]


def test_period_that_a_failed_test_names_is_held_on_spark(
    spark_company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build's results with a failed test, and a publication that has not what this build was of."""
    engine, home = Engine("spark_session"), Home(tmp_path / "home")
    shutil.copytree(spark_company.home, home.root, ignore=shutil.ignore_patterns("lake", "published", "dagster"))
    for name, value in spark_company.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COSTOWNER_HOME", str(home.root))
    monkeypatch.delenv("COSTOWNER_LAKE")
    failed = {
        "unique_id": "test.costowner.charges_are_small.1",
        "status": "fail",
        "failures": 4,
        "compiled_code": "select source, billing_month, 'a prompt' as tag, billed_cost from marts.fact_cost "
        "where source = 'vercel' and billing_month = '2026-10' and '{{ x }}' <> '' limit 4",
    }
    (engine.target_folder(home) / "run_results.json").write_text(json.dumps({"results": [failed]}))
    reason = why_it_failed(home, engine, DagsterDbtError(""))
    assert reason.startswith(
        "test charges_are_small failed: 4 rows, source=vercel, billing_month=2026-10, billed_cost="
    )
    found = hold_failing_periods(home, engine, datetime(2026, 11, 20, tzinfo=UTC))
    assert {(hold.ledger_source, hold.billing_period, hold.rule) for hold in found} == {
        ("vercel", "2026-10", "charges_are_small")
    }
    assert all(hold.slice_id.startswith("charges|team") for hold in found), found[:2]
    assert found[0].reason.startswith("4 rows: source=vercel") and "a prompt" not in found[0].reason


@pytest.mark.spark_whole
def test_sql_unit_tests_pass_on_spark(spark_company: Company, tmp_path: Path) -> None:
    """They read the definitions of tables and views, and no rows."""
    engine, home = Engine("spark_session"), Home(spark_company.home)
    target = tmp_path / "target"
    target.mkdir()
    # Reuses the parse of the refresh.
    shutil.copy(engine.target_folder(home) / "partial_parse.msgpack", target)
    arguments = ("test", "--target", engine.name, "--select", "test_type:unit", "--profiles-dir", ".")
    done = subprocess.run(
        [str(engine.dbt), *arguments, "--target-path", str(target), "--log-path", str(tmp_path / "logs")],
        cwd=DBT_PROJECT,
        env={
            **spark_company.environment,
            **engine.environment(home),
            "COSTOWNER_LAKE_PATH": spark_company.settings["COSTOWNER_LAKE"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "PASS=" in done.stdout, done.stdout[-3000:]


def test_missing_cluster_is_reported_in_one_line(spark_company: Company, tmp_path: Path) -> None:
    away = Company(
        spark_company.stage,
        tmp_path / "away",
        SECOND,
        settings={
            # The test needs no landing.
            **unset(spark_company.stage, ""),
            "COSTOWNER_ENGINE": "spark",
            "COSTOWNER_SPARK_PORT": "9",
            "COSTOWNER_SPARK_RETRIES": "0",
        },
    )
    output = away.fail({})
    last = output.strip().splitlines()[-1]
    assert last.startswith("refresh failed") and "no Thrift server answers at 127.0.0.1:9" in last, output[-3000:]
    assert not away.database.exists()
    assert PROJECT_ROOT.as_posix() not in last

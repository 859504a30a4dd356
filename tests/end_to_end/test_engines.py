"""DuckDB and Spark on the same lake of the sample company: every mart is the same, row for row, to the last digit."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from ingestion.settings import PROJECT_ROOT, Home
from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT
from sample_company.stage import Stage, staged
from tests.end_to_end.conftest import FIRST, SECOND, UNTIL, Company, said_until
from tests.engines import SHORT_LIVED, needs_spark

# Spark plans every model anew, whatever it holds: minutes a build.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400), needs_spark]

SPARK = {"COSTOWNER_ENGINE": "spark_session", "COSTOWNER_SPARK_PARTITIONS": "1", **SHORT_LIVED}
# A part of the history, so that the builds on Spark stay within a few minutes: August closed on the first day.
RECENT = {"COSTOWNER_HISTORY_START": "2026-08"}
OTHER_SEED = 11
# A refresh says so when all sources are landed.
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
    """Settings under which these sources are not set up."""
    return {name: "" for name in stage.environment if name.startswith(tuple(f"SOURCES__{one}" for one in sources))}


def refresh(spark: Company, duck: Company, until: Callable[[], None] = lambda: None) -> set[str]:
    """Refresh both on one lake. DuckDB's lands; as soon as it builds, Spark's begins, and finds everything landed.

    Spark's waits `until` that returns. Gives the months that sources were asked for.
    """
    landing = duck.start()
    landed = said_until(landing, BUILDS)
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(landing.communicate)
        until()
        spark.refresh()
        output = landed + building.result()[0]
    assert landing.returncode == 0, output[-4000:]
    return set(re.findall(r"asking for ([0-9-]+ to [0-9-]+)", output))


class UnitTests:
    """All SQL unit tests on what Spark has built, from when this is made.

    They want to know tables and views, and no row of them: a copy of the metastore is theirs alone. Its tables are not:
    until the tests themselves begin, dbt writes what all of them start from.
    """

    def __init__(self, spark: Company, folder: Path) -> None:
        engine, home = Engine("spark_session"), Home(spark.home)
        target = folder / "target"
        target.mkdir()
        # What the refresh parsed is not parsed again.
        shutil.copy(engine.target_folder(home) / "partial_parse.msgpack", target)
        shutil.copytree(home.root / "spark" / "metastore", folder / "metastore")
        arguments = ("test", "--target", engine.name, "--select", "test_type:unit", "--profiles-dir", ".")
        self._process = subprocess.Popen(
            [str(engine.dbt), *arguments, "--target-path", str(target), "--log-path", str(folder / "logs")],
            cwd=DBT_PROJECT,
            env={
                **spark.environment,
                **engine.environment(home),
                "COSTOWNER_LAKE_PATH": spark.settings["COSTOWNER_LAKE"],
                "COSTOWNER_SPARK_HOME": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._said = ""
        self._pool = ThreadPoolExecutor(1)

    def begin(self) -> None:
        """Return when the first of them begins."""
        self._said = said_until(self._process, "START unit_test")
        # What they say next is read while they run: a pipe that is full would stop them.
        self._rest = self._pool.submit(self._process.communicate)

    def result(self) -> tuple[int, str]:
        """The exit code, and all that was said."""
        rest, _ = self._rest.result()
        self._pool.shutdown()
        return self._process.returncode, self._said + rest


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, Company]]:
    """The same company on Spark and on DuckDB, after its first refresh."""
    root = tmp_path_factory.mktemp("engines")
    with staged(root / "world", until=UNTIL, as_of=FIRST) as stage:
        duck = Company(stage, root / "duckdb", FIRST, settings=dict(RECENT))
        lake = {"COSTOWNER_LAKE": str(duck.home / "lake")}
        # What is landed is landed by DuckDB's: most sources are not set up here, and the lake is full all the same.
        # (Those of AI always are: with fewer settings DuckDB's next refresh would ask for their whole history.)
        clouds = unset(stage, "AWS", "FOCUS", "VERCEL", "ATLAS")
        spark = Company(stage, root / "spark", FIRST, settings=RECENT | SPARK | lake | clouds)
        assert refresh(spark, duck) == {"2026-08 to 2026-10"}
        yield spark, duck


@pytest.fixture(scope="module")
def unit_tests(pair: tuple[Company, Company], tmp_path_factory: pytest.TempPathFactory) -> UnitTests:
    """They run beside the second refresh."""
    return UnitTests(pair[0], tmp_path_factory.mktemp("unit_tests"))


@pytest.fixture(scope="module")
def restated(pair: tuple[Company, Company], unit_tests: UnitTests) -> tuple[Company, Company]:
    """Later both are refreshed again: another seed's months are delivered, but for the one that is closed for good."""
    stage = pair[0].stage
    stage.restate(OTHER_SEED)
    stage.show(SECOND)
    for company in pair:
        company.as_of = SECOND
    asked = refresh(*pair, until=unit_tests.begin)
    assert asked == {"2026-09 to 2026-10"}, "an incremental refresh is of the open months"
    return pair


@pytest.fixture
def spark_company(restated: tuple[Company, Company]) -> Company:
    return restated[0]


def test_marts_are_the_same_after_a_first_refresh(pair: tuple[Company, Company]) -> None:
    assert_same_marts(*pair)


def test_marts_are_the_same_after_an_incremental_refresh_of_another_seed(
    restated: tuple[Company, Company],
) -> None:
    assert_same_marts(*restated)


def test_views_that_say_the_same_are_left_alone(spark_company: Company) -> None:
    """What a view over files says changes with every delivery; a view over views is made once (macro `skip_unchanged_view`)."""
    results = json.loads(
        (Engine("spark_session").target_folder(Home(spark_company.home)) / "run_results.json").read_text()
    )
    kept = {result["unique_id"] for result in results["results"] if result["message"] == "as it was"}
    assert "model.costowner.int_aws_charges__classified" in kept
    assert "model.costowner.stg_aws__cost_and_usage_report" not in kept


def test_column_lineage_is_told_of_spark_s_sql_too(spark_company: Company) -> None:
    with dg.DagsterInstance.from_config(str(spark_company.home / "dagster")) as instance:
        staged = instance.get_latest_materialization_event(dg.AssetKey(["staging", "stg_vercel__charges"]))
    assert staged is not None and staged.asset_materialization is not None
    raw = staged.asset_materialization.metadata["dagster/column_lineage"].value
    assert isinstance(raw, dg.TableColumnLineage)
    assert raw.deps_by_column["billed_cost"] == [
        dg.TableColumnDep(asset_key=dg.AssetKey(["raw_vercel", "charges"]), column_name="billed_cost")
    ]


def test_sql_unit_tests_pass_on_spark(restated: tuple[Company, Company], unit_tests: UnitTests) -> None:
    code, said = unit_tests.result()
    assert code == 0 and "PASS=" in said, said[-3000:]


def test_cluster_that_is_not_there_is_told_in_one_line(spark_company: Company, tmp_path: Path) -> None:
    away = Company(
        spark_company.stage,
        tmp_path / "away",
        SECOND,
        settings={
            # Nothing has to be landed for this.
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

"""A refresh without changes leaves the ledger as it is, and no change is overlooked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.lake.contract import Rows, Slice
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.vercel import SOURCE
from ingestion.sources.vercel.shape import CHARGES
from orchestration.dbt import change_detection, project_files
from orchestration.dbt.change_detection import ChangeDetection, Logic
from orchestration.dbt.engine import Engine
from orchestration.dbt.project_files import DBT_PROJECT
from orchestration.retention.prune import prune

MONTH = Month(2026, 10)


def deliver(home: Home, cost: str, at: datetime) -> None:
    """One slice of Vercel's, of one charge."""

    row = {column.name: None for column in CHARGES.columns} | {
        "billed_cost": Decimal(cost),
        "billing_currency": "USD",
    }
    piece = Slice(
        "team|2026-10-01", str(MONTH), MONTH.start, MONTH.start + timedelta(days=1), lambda: [Rows(CHARGES, [row])]
    )
    land(home, replace(SOURCE, slices=lambda *_: [piece]), None, Window(MONTH, MONTH), at)


def touch(home: Home) -> None:
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create or replace table anything as select 1 as x")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An installation whose last refresh is published."""
    for module in (change_detection, project_files):
        monkeypatch.setattr(module, "DBT_PROJECT", tmp_path / "dbt_project")
    (tmp_path / "dbt_project").mkdir()
    (tmp_path / "dbt_project" / "model.sql").write_text("select 1")
    (tmp_path / "dbt_project" / "dbt_project.yml").write_text("vars: {logic_version: 1}")
    home = Home(tmp_path / "home")
    home.dagster.mkdir(parents=True)
    deliver(home, "1.5", datetime(2026, 10, 3, tzinfo=UTC))
    assert changes(home).has_changes(), "the first build"
    build(home)
    return home


def changes(home: Home, engine: str = "duckdb") -> ChangeDetection:
    return ChangeDetection(home, Engine(engine))


def build(home: Home, engine: str = "duckdb", represents_inputs: bool = True) -> None:
    """A build that is published."""
    changes(home, engine).begin(represents_inputs=represents_inputs)
    touch(home)
    Logic(home, Engine(engine)).built()
    changes(home, engine).published()


def test_same_deliveries_are_no_change_however_often_they_are_asked_for(home: Home) -> None:
    deliver(home, "1.5", datetime(2026, 10, 4, tzinfo=UTC))
    assert not changes(home).has_changes()
    build(home)
    assert not changes(home).has_changes()


def another_amount(home: Home) -> None:
    deliver(home, "1.6", datetime(2026, 10, 4, tzinfo=UTC))


def another_file_in_the_lake(home: Home) -> None:
    (file,) = (home.lake / SOURCE.dataset / CHARGES.name).glob("*.parquet")
    file.write_bytes(file.read_bytes())


def another_model(home: Home) -> None:
    (home.root.parent / "dbt_project" / "model.sql").write_text("select 2 as x")


def no_warehouse(home: Home) -> None:
    home.warehouse.unlink()


def build_that_was_not_published(home: Home) -> None:
    changes(home).begin(represents_inputs=True)


def build_of_a_part(home: Home) -> None:
    build(home, represents_inputs=False)


def state_of_an_earlier_release(home: Home) -> None:
    (published,) = home.root.glob("**/published_of.json")
    published.write_text('{"inputs": "digest", "warehouse": [1, 2, 3]}')


@pytest.mark.parametrize(
    "change",
    [
        another_amount,
        another_file_in_the_lake,
        another_model,
        touch,
        no_warehouse,
        build_that_was_not_published,
        build_of_a_part,
        state_of_an_earlier_release,
    ],
)
def test_change_is_detected(home: Home, change: Callable[[Home], None]) -> None:
    assert not changes(home).has_changes()
    change(home)
    assert changes(home).has_changes()


def test_looking_for_changes_changes_nothing(home: Home) -> None:
    another_amount(home)
    assert changes(home).has_changes() and changes(home).has_changes()
    build(home)
    assert not changes(home).has_changes()


def test_on_spark_every_refresh_builds_everything(home: Home) -> None:
    for _ in range(2):
        assert changes(home, "spark_session").has_changes()
        (Engine("spark_session").target_folder(home)).mkdir(exist_ok=True)
        build(home, "spark_session")


def test_tables_of_another_logic_are_made_anew_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    logic = Logic(home, Engine("duckdb"))
    monkeypatch.setattr(Logic, "current", staticmethod(lambda: "2"))
    assert logic.is_new()
    logic.built()
    assert not logic.is_new()
    monkeypatch.setattr(Logic, "current", staticmethod(lambda: "3"))
    assert logic.is_new()


def test_model_that_depends_on_the_date_is_built_by_every_refresh() -> None:
    """It stays right only if it is built where nothing changed, too."""
    asking = {file.stem for file in (DBT_PROJECT / "models").rglob("*.sql") if "today()" in file.read_text()}
    always = {
        file.stem for file in (DBT_PROJECT / "models").rglob("*.sql") if '"refresh": "always"' in file.read_text()
    }
    assert asking and asking <= always


def test_prune_changes_files_and_nothing_that_a_build_would_see(home: Home) -> None:
    """A compaction renames the files of totals; what is not built yet stays to be built."""
    later = datetime(2026, 12, 3, tzinfo=UTC)
    deliver(home, "2.5", datetime(2026, 10, 4, tzinfo=UTC))
    assert prune(home, later, timedelta(days=999)).loads_compacted == 2 and changes(home).has_changes()
    build(home)
    deliver(home, "2.5", datetime(2026, 10, 5, tzinfo=UTC))
    assert not changes(home).has_changes()
    pruned = prune(home, later, timedelta(0))
    assert pruned.loads_compacted == 2 and len(pruned.files) == 1 and not changes(home).has_changes()


def test_file_that_a_prune_finds_damaged_is_a_change(home: Home) -> None:
    (file,) = (home.lake / SOURCE.dataset / CHARGES.name).glob("*.parquet")
    file.write_bytes(b"no Parquet file")
    prune(home, datetime(2026, 12, 3, tzinfo=UTC), timedelta(days=999))
    assert changes(home).has_changes()

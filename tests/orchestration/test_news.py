"""A refresh without news leaves the ledger alone, and is never mistaken for one with news."""

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
from orchestration import environment, news
from orchestration.engine import Engine
from orchestration.environment import DBT_PROJECT
from orchestration.news import Logic, News, Scope

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
    for module in (news, environment):
        monkeypatch.setattr(module, "DBT_PROJECT", tmp_path / "dbt_project")
    (tmp_path / "dbt_project").mkdir()
    (tmp_path / "dbt_project" / "model.sql").write_text("select 1")
    home = Home(tmp_path / "home")
    home.dagster.mkdir(parents=True)
    deliver(home, "1.5", datetime(2026, 10, 3, tzinfo=UTC))
    assert begin(home) is Scope.EVERYTHING, "the first build"
    touch(home)
    News(home, Engine("duckdb")).published()
    return home


def begin(home: Home, engine: str = "duckdb", whole: bool = True) -> Scope:
    return News(home, Engine(engine)).begin(whole)


def test_same_deliveries_are_no_news_however_often_they_are_asked_for(home: Home) -> None:
    deliver(home, "1.5", datetime(2026, 10, 4, tzinfo=UTC))
    assert begin(home) is Scope.TODAY
    News(home, Engine("duckdb")).published()
    assert begin(home) is Scope.TODAY


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
    begin(home)


def build_of_a_part(home: Home) -> None:
    begin(home, whole=False)
    News(home, Engine("duckdb")).published()


def kept_by_an_earlier_release(home: Home) -> None:
    (kept,) = home.root.glob("**/published_of.json")
    kept.write_text('{"inputs": "digest", "warehouse": [1, 2, 3]}')


@pytest.mark.parametrize(
    ("event", "scope"),
    [
        (another_amount, Scope.DELIVERIES),
        (another_file_in_the_lake, Scope.DELIVERIES),
        (another_model, Scope.EVERYTHING),
        (touch, Scope.EVERYTHING),
        (no_warehouse, Scope.EVERYTHING),
        (build_that_was_not_published, Scope.EVERYTHING),
        (build_of_a_part, Scope.EVERYTHING),
        (kept_by_an_earlier_release, Scope.EVERYTHING),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_news(home: Home, event: Callable[[Home], None], scope: Scope) -> None:
    event(home)
    assert begin(home) is scope


def test_both_deliveries_and_models_are_news(home: Home) -> None:
    another_amount(home)
    another_model(home)
    assert begin(home) is Scope.EVERYTHING


def test_on_spark_everything_is_news(home: Home) -> None:
    for _ in range(2):
        assert begin(home, "spark_session") is Scope.EVERYTHING
        News(home, Engine("spark_session")).published()


def test_tables_of_another_logic_are_made_anew_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    logic = Logic(home, Engine("duckdb"))
    monkeypatch.setattr(Logic, "current", staticmethod(lambda: "1"))
    assert logic.is_new()
    logic.built()
    assert not logic.is_new()
    monkeypatch.setattr(Logic, "current", staticmethod(lambda: "2"))
    assert logic.is_new()


def test_what_knows_the_day_is_built_by_every_refresh() -> None:
    """A model that asks for today's date stays right only if it is built where there is no news, too."""
    asking = {file.stem for file in (DBT_PROJECT / "models").rglob("*.sql") if "today()" in file.read_text()}
    always = {
        file.stem for file in (DBT_PROJECT / "models").rglob("*.sql") if '"refresh": "always"' in file.read_text()
    }
    assert asking and asking <= always

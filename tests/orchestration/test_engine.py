"""The engine is one setting; Spark's marts are read and published under the same names and types as DuckDB's."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.errors import SettingError
from ingestion.settings import Home
from orchestration.dbt.engine import Engine
from orchestration.publication.publish import publish_database
from orchestration.publication.warehouse import Mart, WarehouseError, opened

CHARGES = Mart("charges", False, {"name": "string", "cost": "decimal(38,12)", "moment": "timestamp"})


def test_engine_is_duckdb_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Engine.from_environment().name == "duckdb"
    monkeypatch.setenv("COSTOWNER_ENGINE", "spark")
    assert Engine.from_environment().is_spark


def test_unknown_engine_names_the_setting_and_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COSTOWNER_ENGINE", "sparc")
    with pytest.raises(SettingError, match=r"COSTOWNER_ENGINE=sparc: there are duckdb .* spark_session"):
        Engine.from_environment()


def test_spark_without_its_environment_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COSTOWNER_SPARK_ENVIRONMENT", str(tmp_path))
    with pytest.raises(SettingError, match="make spark"):
        _ = Engine("spark").dbt


def test_spark_in_this_process_needs_java_and_a_cluster_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dbt").touch()
    monkeypatch.setenv("COSTOWNER_SPARK_ENVIRONMENT", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Engine("spark").dbt == tmp_path / "bin" / "dbt"
    with pytest.raises(SettingError, match="needs Java"):
        _ = Engine("spark_session").dbt


def test_cluster_may_see_the_lake_under_another_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert Engine("spark").environment(home)["COSTOWNER_LAKE_PATH"] == str(home.lake)
    monkeypatch.setenv("COSTOWNER_SPARK_LAKE", "s3a://bucket/lake")
    assert Engine("spark").environment(home)["COSTOWNER_LAKE_PATH"] == "s3a://bucket/lake"
    assert Engine("duckdb").environment(home)["COSTOWNER_LAKE_PATH"] == str(home.lake)


def test_what_spark_wrote_is_published_in_the_contract_s_types(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COSTOWNER_ENGINE", "spark")
    home = Home(tmp_path)
    folder = Engine("spark").export_folder(home) / "charges"
    folder.mkdir(parents=True)
    for part, name in enumerate(("b", "a")):  # Spark's times are instants
        duckdb.execute(
            f"copy (select '{name}' as name, cast(1.5 as decimal(38, 12)) as cost, "
            f"timestamptz '2026-11-01 00:00:00+00' as moment) to '{folder}/part-{part}.parquet' (format parquet)"
        )
    assert publish_database(home, [CHARGES]) == {"charges": 2}
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb"), read_only=True) as connection:
        assert [row[1] for row in connection.execute("describe charges").fetchall()] == [
            "VARCHAR",
            "DECIMAL(38,12)",
            "TIMESTAMP",
        ]
        rows = connection.execute("select name, cost, cast(moment as varchar) from charges").fetchall()
    assert sorted(rows) == [(name, Decimal("1.5"), "2026-11-01 00:00:00") for name in ("a", "b")]


def test_mart_that_spark_has_not_left_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COSTOWNER_ENGINE", "spark")
    with (
        pytest.raises(WarehouseError, match=r"no charges in .*COSTOWNER_SPARK_EXPORT"),
        opened(Home(tmp_path), [CHARGES]),
    ):
        pass


def test_builds_do_not_write_the_manifest_that_dagster_reads(tmp_path: Path) -> None:
    """A build that is killed leaves its own manifest torn; the next refresh must not read that one."""
    engine, home = Engine("duckdb"), Home(tmp_path)
    assert engine.manifest(home).parent != engine.target_folder(home)

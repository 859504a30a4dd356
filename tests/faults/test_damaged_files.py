"""A file of an installation that the disk damaged, beside the lake: named, set aside, and no refresh stops at it for good."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingestion.settings import Home
from orchestration.dbt.change_detection import ChangeDetection
from orchestration.dbt.engine import Engine
from orchestration.environment import prepare
from orchestration.publication.build_state import BuildState
from orchestration.repair import repair_after, repair_dagster, repair_warehouse
from orchestration.state_file import read_state, write_state

ROWS = 200_000


def zeroed(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


DAMAGES = [zeroed, cut_off, emptied]


def named(damage: object) -> str:
    return str(getattr(damage, "__name__", damage))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute(
            f"create table fact_cost as select range as cost, md5(range::text) as id from range({ROWS})"
        )
    return home


def test_sound_warehouse_stays(home: Home) -> None:
    assert repair_warehouse(home) == [] == repair_after(home, "IO Error: no such file") and home.warehouse.exists()


@pytest.mark.parametrize("damage", DAMAGES, ids=named)
def test_warehouse_that_can_not_be_opened_is_set_aside_by_name(home: Home, damage: Callable[[Path], None]) -> None:
    damage(home.warehouse)
    (line,) = repair_warehouse(home)
    assert str(home.warehouse) in line and not home.warehouse.exists()
    assert home.warehouse.with_name("warehouse.duckdb.damaged").exists()
    assert repair_warehouse(home) == []


def test_warehouse_with_a_damaged_block_is_set_aside_after_the_build_that_met_it(home: Home) -> None:
    content = bytearray(home.warehouse.read_bytes())
    content[len(content) // 2] ^= 1
    home.warehouse.write_bytes(content)
    assert repair_warehouse(home) == [], "its catalog is whole"
    with duckdb.connect(str(home.warehouse), read_only=True) as connection, pytest.raises(duckdb.Error) as met:
        connection.execute("select sum(cost), max(id) from fact_cost").fetchall()
    assert repair_after(home, f"model fact_cost failed: {met.value}") and not home.warehouse.exists()


def test_warehouse_that_somebody_writes_stays(home: Home) -> None:
    with duckdb.connect(str(home.warehouse)):
        assert repair_warehouse(home) == [] and home.warehouse.exists()
    program = (
        f"import duckdb, sys; c = duckdb.connect({str(home.warehouse)!r}); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        assert repair_warehouse(home) == [] and home.warehouse.exists()
        other.communicate()


@pytest.mark.parametrize("damage", [zeroed, cut_off], ids=named)
def test_damaged_storage_of_dagster_is_set_aside_and_runs_go_on(
    prepared_home: Home, damage: Callable[[Path], None]
) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.get_runs()
    files = sorted(prepared_home.dagster.glob("*/*.db"))
    for file in files:
        damage(file)
    prepare(prepared_home)
    lines = repair_dagster(prepared_home, wholly=True)
    assert all(any(file.name in line for line in lines) or damage is zeroed for file in files)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_runs() == []
    assert files and all(file.with_name(f"{file.name}.damaged").exists() for file in files)


@pytest.mark.parametrize("damage", DAMAGES, ids=named)
def test_damaged_state_files_count_as_absent(prepared_home: Home, damage: Callable[[Path], None]) -> None:
    engine = Engine.from_environment()
    folder = engine.target_folder(prepared_home)
    folder.mkdir(exist_ok=True)
    for name in ("build.json", "published_of.json", "built_of.json"):
        write_state(folder / name, {"id": "x", "is_tested": True})
        damage(folder / name)
        assert read_state(folder / name) is None
    assert BuildState(prepared_home, engine).last is None
    changes = ChangeDetection(prepared_home, engine)
    assert changes.has_changes()
    changes.published()
    assert not (folder / "published_of.json").exists() or read_state(folder / "published_of.json") is None

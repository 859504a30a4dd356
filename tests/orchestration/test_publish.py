"""Publishing: each snapshot replaces the last in one step, and a reader never sees a mixture."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb

from orchestration.publish import Mart, publish

MARTS = [Mart("one", "marts", False), Mart("other", "marts", False), Mart("shown", "marts", True)]


def warehouse(path: Path, version: int) -> Path:
    file = path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema if not exists marts")
        for name in ("one", "other"):
            connection.execute(
                f"create or replace table marts.{name} as "
                f"select {version} as version, i from range(2000) as numbers(i)"
            )
        connection.execute(
            "create or replace view marts.shown as select version, count(*) as n from marts.one group by 1"
        )
    return file


def test_marts_and_views_are_published_under_their_own_names(tmp_path: Path) -> None:
    rows = publish(warehouse(tmp_path, 1), tmp_path / "published", MARTS)
    assert rows == {"one": 2000, "other": 2000, "shown": 1}
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb"), read_only=True) as connection:
        assert connection.execute("select * from shown").fetchall() == [(1, 2000)]
    found = duckdb.sql(f"select count(*) from read_parquet('{tmp_path}/published/parquet/other.parquet')")
    assert found.fetchall() == [(2000,)]


def test_reader_that_holds_the_old_file_is_not_disturbed(tmp_path: Path) -> None:
    target = tmp_path / "published"
    publish(warehouse(tmp_path, 1), target, MARTS)
    with duckdb.connect(str(target / "marts.duckdb"), read_only=True) as old:
        publish(warehouse(tmp_path, 2), target, MARTS)
        assert old.execute("select max(version) from one").fetchall() == [(1,)]
    with duckdb.connect(str(target / "marts.duckdb"), read_only=True) as new:
        assert new.execute("select max(version) from one").fetchall() == [(2,)]


def test_readers_in_a_loop_see_no_error_and_no_mixture(tmp_path: Path) -> None:
    target = tmp_path / "published"
    publish(warehouse(tmp_path, 0), target, MARTS)
    problems: list[str] = []
    running = threading.Event()
    running.set()

    def read() -> None:
        while running.is_set():
            try:
                with duckdb.connect(str(target / "marts.duckdb"), read_only=True) as connection:
                    row = connection.execute(
                        "select (select min(version) from one), (select max(version) from one), "
                        "(select min(version) from other), (select max(version) from other)"
                    ).fetchone()
                if row is None or len(set(row)) != 1:
                    problems.append(str(row))
            except duckdb.Error as error:
                problems.append(str(error))

    reader = threading.Thread(target=read)
    reader.start()
    for version in range(1, 6):
        publish(warehouse(tmp_path, version), target, MARTS)
    running.clear()
    reader.join()
    assert not problems


def test_what_a_killed_publication_left_is_cleared(tmp_path: Path) -> None:
    target = tmp_path / "published"
    (target / ".new-parquet").mkdir(parents=True)
    (target / ".new-marts.duckdb").write_text("half")
    publish(warehouse(tmp_path, 1), target, MARTS)
    assert sorted(file.name for file in target.iterdir() if file.name.startswith(".new")) == []

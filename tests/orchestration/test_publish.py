"""Publishing: each snapshot replaces the last in one step, and a reader never sees a mixture."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest
import yaml

from ingestion.settings import Home
from orchestration.dbt.project_files import DBT_PROJECT
from orchestration.publication import publish
from orchestration.publication.publish import FORMAT, publish_database, publish_parquet
from orchestration.publication.warehouse import Mart

MARTS = [Mart("one", False, {}), Mart("other", False, {}), Mart("shown", True, {}, in_parquet=False)]


def warehouse(path: Path, version: int) -> Path:
    file = path / "warehouse.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema if not exists staging")
        connection.execute("create or replace table staging.passing as select 1 as x")
        connection.execute("create or replace table left_over as select 1 as x")
        for name in ("one", "other"):
            connection.execute(
                f"create or replace table {name} as select {version} as version, i from range(2000) as numbers(i)"
            )
        connection.execute(
            "create or replace view shown as select version, count(*) as n from warehouse.main.one group by 1"
        )
    return file


def published(path: Path, version: int) -> dict[str, int]:
    """Build a version of the warehouse in an installation, and publish it."""
    warehouse(path, version)
    rows = publish_database(Home(path), MARTS)
    publish_parquet(Home(path), MARTS)
    return rows


def test_marts_and_views_are_published_under_their_own_names(tmp_path: Path) -> None:
    rows = published(tmp_path, 1)
    assert rows == {"one": 2000, "other": 2000, "shown": 1}
    with duckdb.connect(str(tmp_path / "published" / "marts.duckdb"), read_only=True) as connection:
        assert connection.execute("select * from shown").fetchall() == [(1, 2000)]
        names = connection.execute("select schema_name || '.' || table_name from duckdb_tables() order by 1")
        assert names.fetchall() == [("main.one",), ("main.other",)], "and nothing else of the warehouse"
    found = duckdb.sql(f"select count(*) from read_parquet('{tmp_path}/published/parquet/other/*.parquet')")
    assert found.fetchall() == [(2000,)]
    assert not (tmp_path / "published" / "parquet" / "shown").exists()


def storage_version(file: Path) -> str:
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute("select tags ->> 'storage_version' from duckdb_databases() where not internal")
        return str(rows.fetchall()[0][0])


def test_warehouse_of_before_comes_to_the_format_of_new_ones(tmp_path: Path) -> None:
    profile = yaml.safe_load((DBT_PROJECT / "profiles.yml").read_text())["costowner"]["outputs"]["duckdb"]
    assert profile["config_options"]["storage_compatibility_version"] == FORMAT
    assert storage_version(warehouse(tmp_path, 1)) != f"{FORMAT}+", "plain DuckDB makes an older one"
    published(tmp_path, 1)
    assert storage_version(warehouse(tmp_path, 2)) == f"{FORMAT}+"
    published(tmp_path, 2)
    assert storage_version(tmp_path / "published" / "marts.duckdb") == f"{FORMAT}+"


def test_reader_that_holds_the_old_file_is_not_disturbed(tmp_path: Path) -> None:
    target = tmp_path / "published"
    published(tmp_path, 1)
    with duckdb.connect(str(target / "marts.duckdb"), read_only=True) as old:
        published(tmp_path, 2)
        assert old.execute("select max(version) from one").fetchall() == [(1,)]
    with duckdb.connect(str(target / "marts.duckdb"), read_only=True) as new:
        assert new.execute("select max(version) from one").fetchall() == [(2,)]


def test_readers_in_a_loop_see_no_error_and_no_mixture(tmp_path: Path) -> None:
    target = tmp_path / "published"
    published(tmp_path, 0)
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
        published(tmp_path, version)
    running.clear()
    reader.join()
    assert not problems


def test_what_a_killed_publication_left_is_cleared(tmp_path: Path) -> None:
    target = tmp_path / "published"
    (target / ".new-parquet").mkdir(parents=True)
    (target / ".new-marts.duckdb").write_text("half")
    published(tmp_path, 1)
    assert sorted(file.name for file in target.iterdir() if file.name.startswith(".new")) == []


# A tool that writes into the published file and ends without a word: its changes stay in the write-ahead log.
SCRIBBLE = """
import duckdb, os, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("update one set version = 666")
os._exit(0)
"""


def test_write_ahead_log_that_a_tool_left_is_not_read_with_the_next_publication(tmp_path: Path) -> None:
    database = tmp_path / "published" / "marts.duckdb"
    published(tmp_path, 1)
    database.chmod(0o644)  # as earlier releases left it; root may write it in any mode
    subprocess.run([sys.executable, "-c", SCRIBBLE, str(database)], check=True)
    assert database.with_name("marts.duckdb.wal").exists()
    published(tmp_path, 2)
    with duckdb.connect(str(database), read_only=True) as connection:
        assert connection.execute("select distinct version from one").fetchall() == [(2,)]
    assert [file.name for file in database.parent.glob("*.wal")] == []


def test_publication_can_be_read_by_everybody_and_written_by_nobody(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        published(tmp_path, 1)
        published(tmp_path, 2)
    finally:
        os.umask(before)
    modes = {
        path.relative_to(tmp_path / "published").as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "published").rglob("*")
    }
    files = {name: mode for name, mode in modes.items() if name.endswith((".parquet", ".duckdb"))}
    folders = {name: mode for name, mode in modes.items() if name not in files}
    assert len(files) >= 3 and set(files.values()) == {0o444}, files
    assert folders and set(folders.values()) == {0o755}, folders


LEDGER = Mart("fact_cost", False, {}, by_month=True)


def test_a_month_s_file_is_written_again_only_if_the_month_was_built_anew(tmp_path: Path) -> None:
    marts = [LEDGER, Mart("shown", True, {}, by_month=True), Mart("other", False, {})]
    home = Home(tmp_path)

    def publish(fingerprints: dict[str, str], shown: str) -> int:
        with duckdb.connect(str(home.warehouse)) as connection:
            connection.execute(
                "create or replace table fact_cost (source text, billing_month text, ledger_fingerprint text)"
            )
            for month, fingerprint in fingerprints.items():
                connection.execute(f"insert into fact_cost values ('aws', '{month}', '{fingerprint}')")
            connection.execute("create or replace table other as select 1 as x")
            connection.execute(
                f"create or replace view shown as select {shown} as s from warehouse.main.fact_cost"
            )
        publish_database(home, marts)
        return publish_parquet(home, marts)

    def published(mart: str) -> list[tuple[str, ...]]:
        files = f"{tmp_path}/published/parquet/{mart}/*.parquet"
        return duckdb.sql(
            f"select * exclude (filename), parse_filename(filename, true) as file from read_parquet("
            f"'{files}', filename = true) order by all"
        ).fetchall()

    assert publish({}, "source") == 3, "a file with the columns, and no row"
    assert published("fact_cost") == []
    both = {"2026-09": "one", "2026-10": "one"}
    assert publish(both, "source") == 5
    assert publish(both, "source") == 1, "of the ledger nothing changed, the small mart is written"
    assert publish(both, "billing_month") == 3, "a view with other rows"
    assert publish({**both, "2026-10": "two"}, "billing_month") == 3, "one month of two"
    assert published("fact_cost") == [("aws", "2026-09", "one", "2026-09"), ("aws", "2026-10", "two", "2026-10")]
    assert published("shown") == [("2026-09", "2026-09"), ("2026-10", "2026-10")]
    assert publish({"2026-10": "two"}, "billing_month") == 1, "a month that is gone has no file any more"
    assert published("shown") == [("2026-10", "2026-10")]


def test_a_view_of_more_than_one_table_has_no_months(tmp_path: Path) -> None:
    with duckdb.connect(str(Home(tmp_path).warehouse)) as connection:
        connection.execute(
            "create table fact_cost as select '2026-10' as billing_month, 'one' as ledger_fingerprint"
        )
        connection.execute("create table other as select 1 as x")
        connection.execute("create view shown as select x from warehouse.main.fact_cost, warehouse.main.other")
    marts = [LEDGER, Mart("other", False, {}), Mart("shown", True, {}, by_month=True)]
    publish_database(Home(tmp_path), marts)
    with pytest.raises(RuntimeError, match=r"shown: .* it reads \['fact_cost', 'other'\]"):
        publish_parquet(Home(tmp_path), marts)
    with pytest.raises(RuntimeError, match=r"other: .* it has 0"):
        publish_parquet(Home(tmp_path), [Mart("other", False, {}, by_month=True)])


@pytest.mark.parametrize("size", [0, 1, 5_000_000])
def test_file_is_copied_whole_over_what_stood_in_its_place(tmp_path: Path, size: int) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(size))
    target.write_bytes(b"longer than the first two" * 999)
    publish._copy_file(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_copy_onto_a_full_disk_fails(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(16_384))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_192, before[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            publish._copy_file(source, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

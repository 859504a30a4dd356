"""An installation of an earlier release is migrated, one of a newer release is not written."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ingestion.errors import SettingError
from ingestion.lake.history import COST_REVISIONS, HISTORY
from ingestion.lake.integrity import verify
from ingestion.settings import Home
from orchestration.layout import FILE, LAYOUT, layout_of, writing
from tests.ingestion.test_lake import NOW, landed, record

# As the releases before wrote them: two revisions of one cell.
REVISIONS = (
    "select 'key1' as {key}, 'aws' as source, '2026-09' as billing_month, 1 as {number}, "
    "timestamp '2026-10-01 06:00:00' as {known_at}, 'USD' as billing_currency, "
    "cast(7.000000000001 as decimal(38, 12)) as billed_change, '{{}}' as delivered_slices "
    "union all select 'key2', 'aws', '2026-09', 2, timestamp '2026-10-05 06:00:00', 'USD', "
    "cast(-2 as decimal(38, 12)), '{{}}'"
)
TODAY = {"key": "cost_revision_key", "number": "revision_number", "known_at": "known_at"}
BELIEFS = {"key": "belief_key", "number": "belief_number", "known_at": "believed_at"}
MIGRATED = [
    ("key1", "aws", "2026-09", 1, "2026-10-01T06:00:00+00:00", "7.000000000001"),
    ("key2", "aws", "2026-09", 2, "2026-10-05T06:00:00+00:00", "-2.000000000000"),
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An installation with a lake, of no layout yet."""
    found = Home(tmp_path)
    landed(found, {"a": [record("x", "1")]}, NOW)
    return found


def publish(home: Home, mart: str, names: dict[str, str]) -> None:
    home.published.mkdir(parents=True)
    with duckdb.connect(str(home.database)) as connection:
        connection.execute(f"create table {mart} as {REVISIONS.format(**names)}")


def recorded(home: Home) -> list[tuple[object, ...]]:
    rows = [
        row
        for file in (home.lake / HISTORY.dataset / COST_REVISIONS.name).glob("*.parquet")
        for row in pq.read_table(file, partitioning=None).to_pylist()
    ]
    return sorted(
        (
            *(row[name] for name in ("cost_revision_key", "source", "billing_month", "revision_number")),
            row["known_at"].isoformat(),
            str(row["billed_change"]),
        )
        for row in rows
    )


@pytest.mark.parametrize(
    ("mart", "names"), [("fact_cost_revision", TODAY), ("fact_belief", BELIEFS)], ids=["today", "beliefs"]
)
def test_published_history_moves_into_the_lake_once(home: Home, mart: str, names: dict[str, str]) -> None:
    publish(home, mart, names)
    for _ in range(2):
        with writing(home, "a test"):
            assert recorded(home) == MIGRATED
    assert layout_of(home) == LAYOUT and not verify(home, HISTORY.dataset)


def test_migration_that_was_killed_is_begun_again(home: Home) -> None:
    publish(home, "fact_cost_revision", TODAY)
    with writing(home, "a test"):
        (home.root / FILE).unlink()
    (home.root / FILE).write_bytes(bytes(20))
    with writing(home, "a test"):
        assert recorded(home) == MIGRATED
    assert layout_of(home) == LAYOUT


def test_installation_of_a_newer_release_is_not_written(home: Home) -> None:
    (home.root / FILE).write_text(json.dumps({"layout": LAYOUT + 1, "release": "9.9"}))
    before = {file: file.stat().st_mtime_ns for file in home.root.rglob("*") if file.is_file()}
    with (
        pytest.raises(SettingError, match=f"newer release .layout {LAYOUT + 1}.*restore a backup"),
        writing(home, "x"),
    ):
        raise AssertionError
    assert {file: file.stat().st_mtime_ns for file in before} == before

"""Pruning: what no slice needs goes, all that one needs stays."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingestion.lake.notes import load_of
from ingestion.lake.pipeline import land
from ingestion.settings import Home
from orchestration.retention.prune import prune
from tests.ingestion.test_lake import NOW, WINDOW, NoSettings, current_rows, record, source_of

KEEP = timedelta(days=35)


def landed(home: Home, cost: str, now: datetime) -> str:
    source = source_of({"a": [record("x", cost)], "b": [record("y", "2")]})
    return land(home, source, NoSettings(), WINDOW, now).loads[0]


def data_loads(home: Home) -> set[str]:
    return {load_of(file) for file in (home.lake / "raw_vendor" / "charges").glob("*.parquet")}


def test_superseded_delivery_goes_after_the_retention_only(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = landed(home, "1", NOW)
    second = landed(home, "2", NOW + timedelta(days=1))
    third = landed(home, "3", NOW + timedelta(days=2))
    assert prune(home, NOW + timedelta(days=3), KEEP).files == []
    prune(home, NOW + timedelta(days=60), KEEP)
    # The first load still holds slice b, which has not changed since.
    assert data_loads(home) == {first, third} and second not in data_loads(home)
    assert [cost for _, cost in current_rows(home)] == [3, 2]


def test_leftovers_of_a_killed_load_go_once_they_are_old(tmp_path: Path) -> None:
    home = Home(tmp_path)
    landed(home, "1", NOW)
    orphan = home.lake / "raw_vendor" / "charges" / "1700000000.5.abc.parquet"
    orphan.write_bytes(b"half")
    now = datetime.now(UTC)
    assert orphan not in prune(home, now, KEEP).files
    old = (now - timedelta(days=2)).timestamp()
    os.utime(orphan, (old, old))
    assert prune(home, now, KEEP).files == [orphan]

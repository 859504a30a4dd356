"""A loss of power at any moment of a landing: what is found afterwards is whole, and the next landing brings the rest."""

from __future__ import annotations

import os
import random
import shutil
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.soak import power_lost, small_company
from ingestion.lake.integrity import lost, settle, verify
from ingestion.lake.notes import known_notes
from ingestion.settings import Home
from tests.faults.power import Disk, without_power
from tests.ingestion.test_lake import NOW, current_rows, landed, record

DATASET = "raw_vendor"
BEFORE: dict[str, Any] = {"a": [record("x", "1")], "b": [record("y", "2")], "c": [record("z", "3")]}
AFTER: dict[str, Any] = {"a": [record("x", "1.5"), record("w", "0.5")], "b": [], "c": [record("z", "3")]}
POINTS = 50


@pytest.mark.parametrize("points", [10, pytest.param(100, marks=pytest.mark.whole)])
def test_nothing_is_lost_or_doubled_by_a_loss_of_power_at_any_call(tmp_path: Path, points: int) -> None:
    start = Home(tmp_path / "start")
    landed(start, BEFORE)
    before, after = current_rows(start), _rows_of(AFTER)
    calls = _calls_of_a_landing(_copy(start, tmp_path / "counted"))
    chance, cuts = random.Random(20261130), 0
    for point in sorted(chance.sample(range(1, calls + 1), min(points, calls))):
        home = _copy(start, tmp_path / str(point))
        cuts += without_power(home.root, point, point, partial(landed, home, AFTER, NOW + timedelta(days=1)))
        settle(home, DATASET)
        # Whole: the landing before, or the one that was cut off. What is torn is known to be lost.
        assert lost(home, DATASET) or current_rows(home) in (before, after), point
        report = landed(home, AFTER, NOW + timedelta(days=2))
        assert current_rows(home) == after and not report.refused, point
        assert not lost(home, DATASET) and not verify(home, DATASET), point
        assert known_notes(home, DATASET).keys() == AFTER.keys(), point
    assert cuts >= min(points, calls) - 2


def _copy(start: Home, root: Path) -> Home:
    shutil.copytree(start.root, root)
    return Home(root)


def _calls_of_a_landing(home: Home) -> int:
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(home.root, patch)
        landed(home, AFTER, NOW + timedelta(days=1))
    return disk.calls


def _rows_of(content: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted((row["sku"], row["cost"]) for rows in content.values() for row in rows)


def test_disk_of_this_test_forgets_what_was_not_synchronised(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    kept, forgotten = root / "kept", root / "forgotten"
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(root, patch)
        kept.write_text("kept")
        for path in (kept, root):
            descriptor = os.open(path, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        forgotten.write_text("forgotten")
    disk.cut(random.Random(1))
    assert kept.read_text() == "kept"
    assert not forgotten.exists() or forgotten.read_bytes() != b"forgotten"


@pytest.mark.whole
@pytest.mark.timeout(3600)
def test_refresh_that_lost_its_power_is_made_good_by_the_next(tmp_path: Path) -> None:
    """Whole refreshes, cut off at random moments: what they wrote and did not synchronise is torn, the warehouse too."""
    usual_seconds, chance, days = 60.0, random.Random(24), 6
    with small_company(tmp_path, days, seed=24) as soak:
        assert soak.run("refresh", soak.environment()) == 0
        for soak.day in range(1, days + 1):
            soak.state.as_of = soak.today()
            power_lost(soak, chance, usual_seconds)
            # A block of the warehouse that does not hold is found by the build that reads it; the next one makes it again.
            codes = [soak.run("refresh", soak.environment()) for _ in range(2)]
            assert codes[1] == 0, (soak.day, codes, (tmp_path / "output.log").read_text()[-4000:])
        assert soak.differences() == []

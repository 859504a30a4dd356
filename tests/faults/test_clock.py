"""A clock that jumps a year and comes back: the newest delivery is the last one, whatever the clock showed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.settings import Home
from orchestration.retention.prune import prune
from tests.ingestion.test_lake import NOW, current_rows, landed, record

YEAR = timedelta(days=365)
DATASET = "raw_vendor"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("jump", [YEAR, -YEAR], ids=["ahead", "back"])
def test_delivery_after_the_jump_replaces_the_one_of_the_jump(home: Home, jump: timedelta) -> None:
    for number, moment in enumerate((NOW, NOW + jump, NOW + timedelta(days=1)), start=1):
        landed(home, {"a": [record("x", str(number))]}, moment)
        assert current_rows(home) == [("x", Decimal(number))]


def test_note_from_the_future_proves_nothing_and_is_reported(home: Home) -> None:
    content = {"a": [record("x", "1")]}
    landed(home, content, NOW + YEAR, proven=True)
    report = landed(home, content, NOW, proven=True)
    assert report.from_future == {"a": NOW + YEAR}
    assert report.states == {"delivered": 1}, "read again, though its version and content are the same"
    assert not landed(home, content, NOW + timedelta(days=1), proven=True).from_future


def test_slice_that_is_not_asked_for_again_keeps_its_delivery(home: Home) -> None:
    landed(home, {"a": [record("x", "1")], "b": [record("y", "2")]}, NOW + YEAR)
    landed(home, {"a": [record("x", "3")]}, NOW)
    assert current_rows(home) == [("x", Decimal(3)), ("y", Decimal(2))]


def test_prune_under_a_clock_that_went_back_removes_nothing_that_is_current(home: Home) -> None:
    landed(home, {"a": [record("x", "1")]}, NOW + YEAR)
    landed(home, {"a": [record("x", "2")]}, NOW)
    prune(home, NOW + timedelta(days=1), timedelta(0))
    assert current_rows(home) == [("x", Decimal(2))]

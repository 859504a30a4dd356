"""Holds: the delivery before a held one stays current and in the lake; a newer delivery or other models lift the hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ingestion.lake.holds import Hold, holds, lift_ended, not_held, write_holds
from ingestion.lake.notes import load_of
from ingestion.lake.pipeline import land
from ingestion.settings import Home
from orchestration.retention.prune import prune
from tests.ingestion.test_lake import NOW, WINDOW, NoSettings, record, source_of

DATASET, LOGIC = "raw_vendor", "models of today"


def landed(home: Home, cost: str, day: int) -> str:
    loads = land(
        home, source_of({"a": [record("x", cost)]}), NoSettings(), WINDOW, NOW + timedelta(days=day)
    ).loads
    return loads[0]


def held(home: Home, load_id: str) -> Hold:
    hold = Hold("a", load_id, "2026-11", "vendor", "no_bill_is_delivered_twice", "2 rows", LOGIC, NOW)
    write_holds(home, DATASET, [hold])
    return hold


def test_hold_is_read_as_it_was_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    hold = held(home, landed(home, "1", 0))
    assert holds(home, DATASET) == [hold] and lift_ended(home, DATASET, LOGIC) == [hold]


def test_delivery_before_the_held_one_is_current(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = landed(home, "1", 0)
    held(home, landed(home, "2", 1))
    assert not_held(home, DATASET)["a"]["load_id"] == first


def test_first_delivery_that_is_held_leaves_the_slice_absent(tmp_path: Path) -> None:
    home = Home(tmp_path)
    held(home, landed(home, "1", 0))
    assert not_held(home, DATASET) == {}


def test_same_delivery_again_stays_held_and_a_newer_one_lifts_the_hold(tmp_path: Path) -> None:
    home = Home(tmp_path)
    hold = held(home, landed(home, "1", 0))
    land(home, source_of({"a": [record("x", "1")]}), NoSettings(), WINDOW, NOW + timedelta(days=1))
    assert lift_ended(home, DATASET, LOGIC) == [hold], "its note is unchanged"
    landed(home, "2", 2)
    assert lift_ended(home, DATASET, LOGIC) == [] == holds(home, DATASET)


def test_other_models_lift_the_hold(tmp_path: Path) -> None:
    home = Home(tmp_path)
    held(home, landed(home, "1", 0))
    assert lift_ended(home, DATASET, "models of tomorrow") == []


def test_pruning_keeps_the_delivery_before_the_held_one(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = landed(home, "1", 0)
    held(home, second := landed(home, "2", 1))
    prune(home, NOW + timedelta(days=99), timedelta(days=35))
    files = (home.lake / DATASET / "charges").glob("*.parquet")
    assert {load_of(file) for file in files} == {first, second}
    assert holds(home, DATASET)

"""Flipped bits, zeros and missing files in the lake: each is found by name, and the next landing brings it back."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingestion.lake.integrity import lost, set_aside, verify
from ingestion.lake.notes import known_notes
from ingestion.settings import Home
from tests.ingestion.test_lake import NOW, current_rows, landed, record

DATASET = "raw_vendor"
CONTENT: dict[str, Any] = {f"s{number}": [record(f"sku{number}", str(number))] for number in range(5)}
FLIPS = 100


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    landed(home, CONTENT)
    landed(home, {**CONTENT, "s0": [record("sku0", "0.5")]}, NOW + timedelta(days=1))
    return home


def lake_files(home: Home) -> list[Path]:
    """The files that a delivery consists of, with their manifests."""
    found = [file for file in (home.lake / DATASET).rglob("*") if file.is_file()]
    return sorted(file for file in found if "_contract" not in file.parts and file.name != "init")


def test_every_flipped_bit_is_found_by_name(home: Home) -> None:
    assert not verify(home, DATASET)
    chance = random.Random(24)
    files = [file for file in lake_files(home) if file.parts[-2] in ("charges", "deliveries", "delivery_totals")]
    for _ in range(FLIPS):
        file = chance.choice(files)
        whole = file.read_bytes()
        place = chance.randrange(len(whole) * 8)
        broken = bytearray(whole)
        broken[place // 8] ^= 1 << place % 8
        file.write_bytes(broken)
        assert [damage.file for damage in verify(home, DATASET)] == [
            file.relative_to(home.lake / DATASET).as_posix()
        ]
        file.write_bytes(whole)


def removed(file: Path) -> None:
    file.unlink()


def zeroed(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


KINDS = (removed, zeroed, cut_off, emptied)


@pytest.mark.parametrize("first", range(2))
def test_next_landing_mends_any_damaged_file(tmp_path: Path, first: int) -> None:
    """Each file of a dataset by turns, by another kind of damage each."""
    whole = Home(tmp_path / "whole")
    landed(whole, CONTENT)
    expected = current_rows(whole)
    files = lake_files(whole)
    for number, file in enumerate(files, start=first):
        home = Home(tmp_path / str(number))
        shutil.copytree(whole.root, home.root)
        KINDS[number % len(KINDS)](home.root / file.relative_to(whole.root))
        report = landed(home, CONTENT, NOW + timedelta(days=1))
        assert current_rows(home) == expected, file
        assert not report.refused and not lost(home, DATASET) and not verify(home, DATASET), file
        assert known_notes(home, DATASET).keys() == CONTENT.keys(), file
    assert len(files) > len(KINDS)


def test_flipped_bit_that_verify_found_is_requested_again(home: Home) -> None:
    (first,) = list((home.lake / DATASET / "charges").glob("*"))[:1]
    broken = bytearray(first.read_bytes())
    broken[len(broken) // 2] ^= 1
    first.write_bytes(broken)
    (damage,) = verify(home, DATASET)
    set_aside(home, damage)
    assert lost(home, DATASET)
    report = landed(home, {**CONTENT, "s0": [record("sku0", "0.5")]}, NOW + timedelta(days=2))
    assert report.states["delivered"] >= 1 and not report.refused and not lost(home, DATASET)


def test_damaged_delivery_that_does_not_come_again_is_refused_by_name(home: Home) -> None:
    for file in (home.lake / DATASET / "charges").glob("*"):
        file.unlink()
    report = landed(home, {"s1": CONTENT["s1"]}, NOW + timedelta(days=2))
    assert {slice_id for slice_id, _ in report.refused} == CONTENT.keys() - {"s1"}
    assert all("is missing" in reason and "raw_vendor/charges/" in reason for _, reason in report.refused)
    assert lost(home, DATASET).keys() == CONTENT.keys() - {"s1"}

"""Flipped bits, zeros and missing files in the lake: each is found by name, and the next landing brings it back."""

from __future__ import annotations

import random
import shutil
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import SettingError
from ingestion.lake.integrity import lost, set_aside, verify
from ingestion.lake.notes import known_notes
from ingestion.settings import Home
from orchestration.retention import loss
from tests.ingestion.test_lake import NOW, current_rows, landed, record, source_of

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


def test_loss_that_is_accepted_is_an_empty_slice_with_its_reason(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "LAKE", (source_of({}),))
    with pytest.raises(SettingError, match="s1: no delivery is lost"):
        loss.accept_loss(home, "s1", "disk failed")
    before = current_rows(home)
    files = sorted((home.lake / DATASET / "charges").glob("*"))
    files[0].unlink()  # all slices but s0, which was delivered again
    gone = CONTENT.keys() - {"s0"}
    with pytest.raises(SettingError, match="s0 is not lost; lost are s1, s2, s3, s4"):
        loss.accept_loss(home, "s0", "disk failed")
    for slice_id in sorted(gone):
        loss.accept_loss(home, slice_id, "disk failed")
    assert not lost(home, DATASET) and not verify(home, DATASET)
    assert current_rows(home) == [row for row in before if row[0] == "sku0"]
    note = known_notes(home, DATASET)["s1"]
    assert note.row_count == 0 and note.billing_period == "2026-11"
    assert "disk failed" in str(note.message) and files[0].name in str(note.message)
    landed(home, {"s1": CONTENT["s1"]}, NOW + timedelta(days=2))
    assert ("sku1", Decimal(1)) in current_rows(home)

"""Compaction: old delivery notes in few files, each row as it was; cut off anywhere, it loses and doubles nothing."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import BadInput
from ingestion.lake.compaction import compact, period_of
from ingestion.lake.contract import HISTORY_DATASET, HISTORY_TABLE
from ingestion.lake.history import COST_REVISIONS, HISTORY, record
from ingestion.lake.integrity import lost, set_aside, settle, verify
from ingestion.lake.manifest import manifest_file, manifests, read_manifest
from ingestion.lake.notes import complete_loads, known_notes, landing_sequences, load_of, notes
from ingestion.settings import Home
from orchestration.retention.prune import prune
from tests.faults.power import Disk, without_power
from tests.ingestion.test_lake import current_rows, landed
from tests.ingestion.test_lake import record as charge

DATASET = "raw_vendor"
START = datetime(2026, 8, 20, 6, tzinfo=UTC)
LATER = datetime(2026, 11, 20, 6, tzinfo=UTC)
KEEP = timedelta(days=35)


def at(day: int) -> datetime:
    return START + timedelta(days=day)


def history(home: Home, days: int = 20, step: int = 3) -> None:
    """Landings every few days: one slice that changes, one that stays, one that comes late and one that is refused."""
    for day in range(0, days * step, step):
        content: dict[str, Any] = {"a": [charge("x", f"{day}.5")], "b": [charge("y", "2")]}
        if day % 2:
            content |= {f"d{day}": [charge("z", "1")], "r": BadInput("can't be read")}
        landed(home, content, at(day))


def rows_of(home: Home, table: str, dataset: str = DATASET) -> Counter[str]:
    """All rows of a table that stand in complete loads, as a multiset, whichever file they stand in."""
    folder = home.lake / dataset
    complete = complete_loads(folder)
    found: Counter[str] = Counter()
    for file in (folder / table).glob("*.parquet"):
        # Readers in SQL don't ask for the record: nothing may lie there that has none.
        assert load_of(file) in complete, file
        found.update(repr(sorted(row.items())) for row in pq.read_table(file, partitioning=None).to_pylist())
    return found


def content(home: Home, dataset: str = DATASET) -> dict[str, Any]:
    """What readers know of a dataset."""
    return {
        "known": known_notes(home, dataset),
        "notes": rows_of(home, "deliveries", dataset),
        "totals": rows_of(home, "delivery_totals", dataset),
        "rows": current_rows(home) if dataset == DATASET else rows_of(home, HISTORY_TABLE, dataset),
        "lost": lost(home, dataset),
        "damaged": verify(home, dataset),
    }


def files(home: Home, folder: str = "*", dataset: str = DATASET) -> list[Path]:
    return sorted(file for file in (home.lake / dataset).glob(f"{folder}/*") if file.is_file())


def copied(home: Home, root: Path) -> Home:
    shutil.copytree(home.root, root)
    return Home(root)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("lake"))
    history(home)
    return home


@pytest.fixture
def home(lake: Home, tmp_path: Path) -> Home:
    return copied(lake, tmp_path / "home")


def test_old_notes_stand_in_a_file_a_table_and_month_and_each_row_is_there(home: Home) -> None:
    before = content(home)
    pruned = prune(home, LATER, KEEP)
    assert content(home) == before
    # August, September and October: the last landing was in October.
    assert len(files(home, "deliveries")) == len(files(home, "delivery_totals")) == 3
    assert pruned.loads_compacted == 20 and "20 loads compacted" in str(pruned)
    data = {load_of(file) for file in files(home, "charges")}
    kept = {file.stem for file in files(home, "_manifests")}
    assert len(kept - data) == 3, "what has nothing but compacted notes has neither manifest nor record"
    assert (
        kept == complete_loads(home.lake / DATASET) == data | {load_of(file) for file in files(home, "deliveries")}
    )


def test_compaction_is_done_once_and_later_landings_go_on(home: Home) -> None:
    prune(home, LATER, KEEP)
    before = {file: file.stat().st_ino for file in files(home)}
    assert prune(home, LATER, KEEP).loads_compacted == 0
    assert {file: file.stat().st_ino for file in files(home)} == before
    report = landed(home, {"a": [charge("x", "7")], "b": [charge("y", "2")]}, LATER)
    assert report.sequence == 21 and report.states == {"delivered": 1, "unchanged": 1} and not report.damages
    assert known_notes(home, DATASET)["a"].landing_sequence == 21


def test_a_year_that_is_over_stands_in_one_file_a_table(home: Home) -> None:
    prune(home, LATER, KEEP)
    landed(home, {"a": [charge("x", "8")], "b": [charge("y", "2")]}, LATER)
    before = content(home)
    next_year = datetime(2027, 2, 1, tzinfo=UTC)
    prune(home, next_year, timedelta(days=999))
    assert content(home) == before
    assert len(files(home, "deliveries")) == len(files(home, "delivery_totals")) == 1
    assert sorted(landing_sequences(home.lake / DATASET).values())[-1] == 21
    assert prune(home, next_year, timedelta(days=999)).loads_compacted == 0


@pytest.mark.parametrize(
    ("newest", "period"),
    [("2026-11-19", None), ("2026-10-31", "2026-10"), ("2025-12-31", "2025"), ("2027-01-01", None)],
)
def test_period_is_a_month_or_year_that_is_over(newest: str, period: str | None) -> None:
    assert period_of(datetime.fromisoformat(f"{newest}T00:00:00+00:00"), LATER) == period


def test_landing_of_each_load_with_data_is_known_after_a_compaction(home: Home) -> None:
    """The price book looks through the landings that are new to it."""
    data = {load_of(file) for file in files(home, "charges")}
    before = landing_sequences(home.lake / DATASET)
    prune(home, LATER, timedelta(days=999))
    after = landing_sequences(home.lake / DATASET)
    assert {load: after[load] for load in data} == {load: before[load] for load in data}


def test_data_of_a_compacted_load_that_go_take_its_manifest_with_them(home: Home) -> None:
    prune(home, LATER, timedelta(days=999))
    there = len(files(home, "_manifests"))
    before = content(home)
    removed = prune(home, LATER, timedelta(0)).files
    assert removed and len(files(home, "_manifests")) == len(files(home, "_dlt_loads")) == there - len(removed)
    assert content(home) == before


def calls_of_a_prune(home: Home) -> int:
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(home.root, patch)
        prune(home, LATER, KEEP)
    return disk.calls


@pytest.mark.parametrize("points", [6, pytest.param(300, marks=pytest.mark.whole)])
def test_nothing_is_lost_or_counted_twice_by_a_loss_of_power_in_a_prune(tmp_path: Path, points: int) -> None:
    start = Home(tmp_path / "start")
    history(start, days=7, step=9)
    before = content(start)
    calls = calls_of_a_prune(copied(start, tmp_path / "counted"))
    chance, cuts = random.Random(20261130), 0
    for point in sorted(chance.sample(range(1, calls + 1), min(points, calls))):
        home = copied(start, tmp_path / str(point))
        cuts += without_power(home.root, point, point, partial(prune, home, LATER, KEEP))
        settle(home, DATASET)
        assert content(home) == before, point
        prune(home, LATER, KEEP)
        assert content(home) == before, point
        assert len(files(home, "deliveries")) == 3, point
        shutil.rmtree(home.root)
    assert cuts >= min(points, calls) - 2


Step = tuple[str, int, list[int]]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["land", "land", "land", "prune"]),
        st.integers(1, 40),
        st.lists(st.integers(0, 3), max_size=4),
    ),
    min_size=2,
    max_size=8,
)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_random_histories_with_prunes_have_the_same_notes_as_without(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step]
) -> None:
    root = tmp_path_factory.mktemp("random")
    pruned, other = Home(root / "pruned"), Home(root / "other")
    now = START
    for kind, days, changes in steps:
        now += timedelta(days=days)
        if kind == "prune":
            prune(pruned, now, timedelta(days=20))
            continue
        delivered = {f"s{number}": [charge("x", str(value))] for number, value in enumerate(changes) if value < 3}
        for home in (pruned, other):
            landed(home, delivered, now)
    for home in (pruned, other):
        settle(home, DATASET)
    by_landing = [
        {
            slice_id: (note.landing_sequence, note.extracted_at, note.content_digest)
            for slice_id, note in found.items()
        }
        for found in (known_notes(pruned, DATASET), known_notes(other, DATASET))
    ]
    assert by_landing[0] == by_landing[1]
    assert current_rows(pruned) == current_rows(other)
    for table in ("deliveries", "delivery_totals"):
        # The ids of loads are times of the clock.
        assert _without_loads(pruned, table) == _without_loads(other, table)
    assert not lost(pruned, DATASET) and not verify(pruned, DATASET)
    shutil.rmtree(root)


def _without_loads(home: Home, table: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in files(home, table):
        for row in pq.read_table(file, partitioning=None).to_pylist():
            found[repr(sorted((name, value) for name, value in row.items() if name != "load_id"))] += 1
    return found


def damaged(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-3])


def test_compacted_file_that_is_damaged_is_named_and_its_slices_are_requested_again(home: Home) -> None:
    prune(home, LATER, KEEP)
    (*_, newest) = files(home, "deliveries")
    damaged(newest)
    assert [damage.file for damage in verify(home, DATASET)] == [f"deliveries/{newest.name}"]
    report = landed(home, {"a": [charge("x", "57.5")], "b": [charge("y", "2")]}, LATER)
    assert any(newest.name in line for line in report.damages)
    # What the vendor delivers no longer is named.
    assert {slice_id for slice_id, _ in report.refused} == {"d45", "d51", "d57"}
    assert known_notes(home, DATASET)["a"].landing_sequence == 21
    late = {f"d{day}": [charge("z", "1")] for day in (45, 51, 57)}
    again = landed(home, {"a": [charge("x", "57.5")], **late}, LATER)
    assert not again.refused and not lost(home, DATASET) and not verify(home, DATASET)


def test_prune_removes_no_data_while_notes_are_lost(home: Home) -> None:
    prune(home, LATER, KEEP)
    data = files(home, "charges")
    for file in files(home, "deliveries"):
        damaged(file)
    assert prune(home, LATER + timedelta(days=999), timedelta(0)).files == []
    assert files(home, "charges") == data and len(files(home, "_damaged/deliveries")) == 3


def test_damaged_notes_are_not_compacted(home: Home) -> None:
    """Their SHA-256 would be new, and nobody would find them again."""
    (first, *_) = files(home, "deliveries")
    content_of = bytearray(first.read_bytes())
    content_of[len(content_of) // 2] ^= 1
    first.write_bytes(content_of)
    prune(home, LATER, KEEP)
    assert load_of(first) not in {load for one in whole(home) for load in one.replaces}


def whole(home: Home, dataset: str = DATASET) -> list[Any]:
    return [read_manifest(file) for file in manifests(home.lake / dataset)]


@pytest.mark.parametrize("is_finished", [True, False], ids=["finished", "cut off"])
def test_manifest_of_a_compaction_that_is_lost_is_written_again(home: Home, is_finished: bool) -> None:
    before = content(home)
    if is_finished:
        prune(home, LATER, KEEP)
    else:
        started = settle(home, DATASET)
        kept = copied(home, home.root.parent / "kept")
        compact(home.lake / DATASET, started.manifests, started.complete, LATER)
        # As if nothing had been removed yet.
        shutil.copytree(kept.root, home.root, dirs_exist_ok=True)
    for manifest in [one for one in whole(home) if one.replaces]:
        file = manifest_file(home.lake / DATASET, manifest.load_id)
        listed = json.loads(file.read_text())
        file.write_text("no JSON")
        settle(home, DATASET)
        again = json.loads(file.read_text())
        for content_of in (listed, again):
            del content_of["sha256"]
        assert again == listed
    assert content(home) == before


def test_history_is_compacted_and_stays_for_ever(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    assert (HISTORY.dataset, COST_REVISIONS.name) == (HISTORY_DATASET, HISTORY_TABLE)

    def revision(build: str, day: int) -> None:
        row = {name: None for name in COST_REVISIONS.schema.names if name != "slice_id"} | {
            "cost_revision_key": build
        }
        schema = pa.schema([field for field in COST_REVISIONS.schema if field.name != "slice_id"])
        record(home, build, pa.Table.from_pylist([row], schema), at(day))

    for day in range(0, 40, 5):
        revision(f"build {day}", day)
    before = content(home, HISTORY_DATASET)
    for _ in range(2):
        prune(home, LATER, timedelta(0))
        after = content(home, HISTORY_DATASET)
        assert after == before and len(after["rows"]) == 8
    assert len(files(home, HISTORY_TABLE, HISTORY_DATASET)) == len(files(home, "_manifests", HISTORY_DATASET)) == 2
    revision("build 0", 50)
    assert content(home, HISTORY_DATASET)["rows"] == before["rows"], "a build is recorded once"
    (first, _) = files(home, HISTORY_TABLE, HISTORY_DATASET)
    damaged(first)
    (damage,) = verify(home, HISTORY_DATASET)
    set_aside(home, damage)
    assert set(lost(home, HISTORY_DATASET)) == {"build 0", "build 5", "build 10"}


def test_states_of_dlt_that_it_no_longer_reads_go(home: Home) -> None:
    (state,) = files(home, "_dlt_version")
    name, _, digest = state.stem.rsplit("__", maxsplit=2)
    for number in range(1, 8):
        shutil.copy(state, state.with_name(f"{name}__100000000{number}.5__{digest}.jsonl"))
    prune(home, LATER, KEEP)
    left = files(home, "_dlt_version")
    assert len(left) == 3 and state in left
    assert not landed(home, {"a": [charge("x", "1")]}, LATER).damages


def test_note_of_each_landing_is_there_after_a_prune(home: Home) -> None:
    prune(home, LATER, KEEP)
    assert {note["landing_sequence"] for note in notes(home, DATASET)} == set(range(1, 21))

"""The lake's promises: newest delivery wins, unchanged is noted, torn is never seen, one bad slice is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.columns import Measure, Table, money, text, timestamp
from ingestion.errors import BadInput
from ingestion.lake import (
    DELIVERIES,
    NoData,
    Rows,
    Slice,
    Source,
    Total,
    VendorFile,
    complete_loads,
    control_totals,
    digest,
    known_notes,
    land,
    load_of,
    notes,
)
from ingestion.settings import Home, Month, Window

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
WINDOW = Window(Month(2026, 10), Month(2026, 11))
CHARGES = Table(
    "charges",
    "charges of a made-up vendor",
    (
        text("sku", "sku"),
        money("cost", "cost in currency"),
        text("currency", "ISO 4217"),
        timestamp("ended_at", "end of the charge period"),
    ),
    measures=(Measure("billed_cost", "cost", "currency"),),
    charge_end="ended_at",
)
FILES = Table("files", "vendor files", (text("id", "id"),), vendor_files=True)


@dataclass(frozen=True)
class NoSettings:
    pass


@dlt.source(name="vendor")
def vendor(delivery: Any) -> Any:
    return delivery


def record(sku: str, cost: str, currency: str = "USD") -> dict[str, Any]:
    return {
        "sku": sku,
        "cost": Decimal(cost),
        "currency": currency,
        "ended_at": datetime(2026, 11, 2, tzinfo=UTC),
    }


def source_of(content: dict[str, Any], per_slice: bool = False, proven: bool = False) -> Source:
    """A source whose slices say what `content` says: records, a VendorFile, or an error to raise."""

    def slices(settings: object, window: Window, known: object, now: datetime) -> Iterable[Slice]:
        for slice_id, said in content.items():

            def read(said: Any = said) -> Iterable[Rows | VendorFile]:
                if isinstance(said, Exception):
                    raise said
                if isinstance(said, VendorFile):
                    return [said]
                return [Rows(CHARGES, said)]

            version = f"v{len(str(said))}" if proven else None
            yield Slice(slice_id, "2026-11", window.start, window.end, read, version, proven)

    return Source("vendor", "Vendor", "", NoSettings, (CHARGES, FILES), slices, vendor, 36, per_slice)


def landed(home: Home, content: dict[str, Any], now: datetime = NOW, **how: bool) -> Any:
    return land(home, source_of(content, **how), NoSettings(), WINDOW, now)


def current_rows(home: Home) -> list[tuple[str, Decimal]]:
    """What a reader counts: rows whose slice's newest note names their load."""
    pairs = {(note.slice_id, note.load_id) for note in known_notes(home, "raw_vendor").values()}
    rows = []
    for file in (home.lake / "raw_vendor" / "charges").glob("*.parquet"):
        for row in pq.read_table(file, partitioning=None).to_pylist():
            if (row["slice_id"], load_of(file)) in pairs:
                rows.append((row["sku"], row["cost"]))
    return sorted(rows)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_reissued_slice_is_replaced(home: Home) -> None:
    landed(home, {"a": [record("x", "1.5")], "b": [record("y", "2")]})
    landed(home, {"a": [record("x", "1.7"), record("z", "0.1")], "b": [record("y", "2")]}, NOW + timedelta(1))
    assert current_rows(home) == [("x", Decimal("1.7")), ("y", Decimal("2")), ("z", Decimal("0.1"))]


def test_slice_that_becomes_empty_is_emptied(home: Home) -> None:
    landed(home, {"a": [record("x", "1")], "b": [record("y", "2")]})
    report = landed(home, {"a": [], "b": [record("y", "2")]}, NOW + timedelta(1))
    assert current_rows(home) == [("y", Decimal("2"))]
    assert report.states == {"empty": 1, "unchanged": 1}


def test_unchanged_slice_is_noted_and_not_written_again(home: Home) -> None:
    landed(home, {"a": [record("x", "1"), record("y", "2")]})
    report = landed(home, {"a": [record("y", "2"), record("x", "1")]}, NOW + timedelta(1))
    assert report.states == {"unchanged": 1}
    assert len(list((home.lake / "raw_vendor" / "charges").glob("*.parquet"))) == 1
    assert len(notes(home, "raw_vendor")) == 2
    assert known_notes(home, "raw_vendor")["a"].extracted_at == NOW + timedelta(1)


def test_proven_version_is_not_read_again(home: Home) -> None:
    landed(home, {"a": [record("x", "1")]}, proven=True)
    source = source_of({"a": [record("x", "1")]}, proven=True)

    def unreadable() -> Iterable[Rows]:
        raise AssertionError("a slice with a proven version was read again")

    def slices(*args: Any) -> Iterable[Slice]:
        for piece in source.slices(*args):
            yield Slice(piece.id, piece.billing_period, piece.start, piece.end, unreadable, piece.version, True)

    again = Source("vendor", "", "", NoSettings, source.tables, slices, vendor, 36)
    assert land(home, again, NoSettings(), WINDOW, NOW).states == {"unchanged": 1}


def test_bad_slice_is_refused_and_the_others_land(home: Home) -> None:
    landed(home, {"a": [record("x", "1")], "b": [record("y", "2")]})
    report = landed(
        home, {"a": BadInput("charges.jsonl, line 3: cut off"), "b": [record("y", "3")]}, NOW + timedelta(1)
    )
    assert report.refused == [("a", "charges.jsonl, line 3: cut off")]
    assert current_rows(home) == [("x", Decimal("1")), ("y", Decimal("3"))]


def test_no_data_is_neither_zero_nor_a_failure(home: Home) -> None:
    landed(home, {"a": [record("x", "1")]})
    report = landed(home, {"a": NoData("costs_not_found")}, NOW + timedelta(1))
    assert report.states == {"no_data": 1} and not report.refused
    assert current_rows(home) == [("x", Decimal("1"))]


def test_note_of_an_incomplete_load_is_not_counted(home: Home) -> None:
    landed(home, {"a": [record("x", "1")]})
    report = landed(home, {"a": [record("x", "2")]}, NOW + timedelta(1))
    dataset = home.lake / "raw_vendor"
    (marker,) = dataset.glob(f"_dlt_loads/*{report.loads[0]}*")
    marker.unlink()  # as if the process had died before dlt recorded the load
    assert report.loads[0] not in complete_loads(dataset)
    assert current_rows(home) == [("x", Decimal("1"))]


def test_control_totals_are_exact_and_by_currency(home: Home) -> None:
    landed(home, {"a": [record("x", "0.000000000001"), record("y", "0.1"), record("z", "7", "EUR")]})
    (file,) = (home.lake / "raw_vendor" / "delivery_totals").glob("*.parquet")
    found = {row["currency"]: (row["amount"], row["row_count"]) for row in pq.read_table(file).to_pylist()}
    assert found == {"USD": (Decimal("0.100000000001"), 2), "EUR": (Decimal("7"), 1)}


def test_vendor_file_enters_the_lake_byte_for_byte(home: Home, tmp_path: Path) -> None:
    path = tmp_path / "export.parquet"
    maps = pa.array([[("team", "search")]], type=pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table({"id": ["1"], "cost": [0.1], "tags": maps}), path)
    said = VendorFile(FILES, path, 1, (Total("billed_cost", "USD", Decimal("0.1"), 1),), NOW)
    landed(home, {"e|2026-11": said}, per_slice=True)
    (file,) = (home.lake / "raw_vendor" / "files").glob("*.parquet")
    assert file.read_bytes() == path.read_bytes()
    assert known_notes(home, "raw_vendor")["e|2026-11"].row_count == 1


def test_newest_charge_is_on_the_note(home: Home) -> None:
    landed(home, {"a": [record("x", "1")]})
    assert known_notes(home, "raw_vendor")["a"].newest_charge_at == datetime(2026, 11, 2, tzinfo=UTC)


def test_contract_files_declare_every_table_without_rows(home: Home) -> None:
    landed(home, {})
    contract = home.lake / "raw_vendor" / "_contract"
    assert pq.read_schema(contract / "charges.parquet").equals(CHARGES.schema)
    assert pq.read_metadata(contract / f"{DELIVERIES.name}.parquet").num_rows == 0


def test_lake_reads_in_duckdb_with_exact_types(home: Home) -> None:
    landed(home, {"a": [record("x", "1.000000000001")]})
    described = duckdb.sql(f"describe select * from read_parquet('{home.lake}/raw_vendor/charges/*.parquet')")
    types = {row[0]: row[1] for row in described.fetchall()}
    assert types["cost"] == "DECIMAL(38,12)"
    assert types["ended_at"] == "TIMESTAMP WITH TIME ZONE"


def test_undeclared_column_is_an_error_and_not_lost_in_silence() -> None:
    with pytest.raises(ValueError, match="declares no column"):
        CHARGES.rows("a", [{"sku": "x", "surprise": 1}])


amounts = st.decimals(min_value=-(10**9), max_value=10**9, places=12)


@given(st.lists(st.tuples(amounts, st.sampled_from(["USD", "EUR"])), max_size=20), st.randoms())
def test_digest_and_totals_do_not_depend_on_row_order(rows: list[tuple[Decimal, str]], random: Any) -> None:
    records = [record(str(index), str(cost), currency) for index, (cost, currency) in enumerate(rows)]
    shuffled = list(records)
    random.shuffle(shuffled)
    one, other = CHARGES.rows("a", records), CHARGES.rows("a", shuffled)
    assert digest([one]) == digest([other])
    expected = {
        currency: sum((cost for cost, its in rows if its == currency), Decimal(0))
        for currency in {its for _, its in rows}
    }
    assert {total.currency: total.amount for total in control_totals(CHARGES, one)} == expected

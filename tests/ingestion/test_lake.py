"""The lake's promises: newest delivery wins, unchanged is noted, torn is never seen, one bad slice is one."""

from __future__ import annotations

import errno
import gzip
import json
import re
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ingestion.errors import BadInput
from ingestion.lake.columns import Column, Measure, Table, integer, money, number, text, timestamp
from ingestion.lake.contract import DELIVERIES, NoData, Rows, Slice, Source, Total, VendorFile
from ingestion.lake.delivery import control_totals, digest
from ingestion.lake.notes import complete_loads, known_notes, load_of, notes
from ingestion.lake.pipeline import land
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


def record(sku: str, cost: str, currency: str = "USD") -> dict[str, Any]:
    return {
        "sku": sku,
        "cost": Decimal(cost),
        "currency": currency,
        "ended_at": datetime(2026, 11, 2, tzinfo=UTC),
    }


def source_of(content: dict[str, Any], per_slice: bool = False, proven: bool = False) -> Source:
    """A source whose slices hold what `content` lists: records, a VendorFile, or an error to raise."""

    def slices(settings: object, window: Window, known: object, now: datetime) -> Iterable[Slice]:
        for slice_id, delivered_content in content.items():

            def read(delivered_content: Any = delivered_content) -> Iterable[Rows | VendorFile]:
                if isinstance(delivered_content, Exception):
                    raise delivered_content
                if isinstance(delivered_content, VendorFile):
                    return [delivered_content]
                return [Rows(CHARGES, delivered_content)]

            version = f"v{len(str(delivered_content))}" if proven else None
            yield Slice(slice_id, "2026-11", window.start, window.end, read, version, proven)

    return Source("vendor", "Vendor", "", NoSettings, (CHARGES, FILES), slices, load_per_slice=per_slice)


def landed(home: Home, content: dict[str, Any], now: datetime = NOW, **how: bool) -> Any:
    return land(home, source_of(content, **how), NoSettings(), WINDOW, now)


def current_rows(home: Home) -> list[tuple[str, Decimal]]:
    """What a reader counts: rows whose slice's newest note names their load."""
    pairs = {(note.slice_id, note.load_id) for note in known_notes(home, "raw_vendor").values()}
    loads = {load for _, load in pairs}
    rows = []
    for file in (home.lake / "raw_vendor" / "charges").glob("*.parquet"):
        for row in pq.read_table(file, partitioning=None).to_pylist() if load_of(file) in loads else ():
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


# Columns without which no release wrote a note.
FIRST_COLUMNS = {"slice_id", "state", "load_id", "billing_period", "vendor_version", "row_count", "extracted_at"}


@pytest.mark.parametrize("absent", sorted(set(DELIVERIES.schema.names) - FIRST_COLUMNS))
def test_lake_of_an_earlier_release_is_landed_on(home: Home, absent: str) -> None:
    """Its notes lack a column of today, in every file, and its loads have no manifests."""
    landed(home, {"a": [record("x", "1")]}, proven=True)
    shutil.rmtree(home.lake / "raw_vendor" / "_manifests")
    for file in (home.lake / "raw_vendor" / "deliveries").glob("*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns([absent]), file)
    assert known_notes(home, "raw_vendor")["a"].row_count == 1
    again = landed(home, {"a": [record("x", "1")], "b": [record("y", "2")]}, NOW + timedelta(1), proven=True)
    assert again.states == {"unchanged": 1, "delivered": 1}
    assert current_rows(home) == [("x", Decimal("1")), ("y", Decimal("2"))]


def test_proven_version_is_not_read_again(home: Home) -> None:
    landed(home, {"a": [record("x", "1")]}, proven=True)
    source = source_of({"a": [record("x", "1")]}, proven=True)

    def unreadable() -> Iterable[Rows]:
        raise AssertionError("a slice with a proven version was read again")

    def slices(*args: Any) -> Iterable[Slice]:
        for piece in source.slices(*args):
            yield Slice(piece.id, piece.billing_period, piece.start, piece.end, unreadable, piece.version, True)

    again = Source("vendor", "", "", NoSettings, source.tables, slices)
    assert land(home, again, NoSettings(), WINDOW, NOW).states == {"unchanged": 1}


def test_bad_slice_is_refused_and_the_others_land(home: Home) -> None:
    landed(home, {"a": [record("x", "1")], "b": [record("y", "2")]})
    report = landed(
        home, {"a": BadInput("charges.jsonl, line 3: cut off"), "b": [record("y", "3")]}, NOW + timedelta(1)
    )
    assert report.refused == [("a", "charges.jsonl, line 3: cut off")]
    assert current_rows(home) == [("x", Decimal("1")), ("y", Decimal("3"))]


def _raised(by: Callable[[], object]) -> Exception:
    try:
        by()
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


# What reading a vendor's answer or file makes Python and its libraries raise; each text quotes the input.
RAISED: dict[str, Callable[[], object]] = {
    "null": lambda: json.loads("null")["data"],
    "absent field": lambda: {"secret": 1}["canary"],
    "no number": lambda: int("canary"),
    "no time": lambda: datetime.fromisoformat("canary"),
    "too late": lambda: datetime(9999, 12, 31, tzinfo=UTC) + timedelta(days=1),
    "bad gzip": lambda: gzip.decompress(b"canary"),
    "cut gzip": lambda: gzip.decompress(gzip.compress(b"canary")[:-4]),
    "bad deflate": lambda: zlib.decompress(b"canary"),
    "lone surrogate": "canary\ud800".encode,
    "no UTF-8": b"canary\xff".decode,
    "not a decimal": lambda: Decimal("canary"),
    "too wide": lambda: pa.array([Decimal("1e27")], pa.decimal128(38, 12)),
    "not CSV": lambda: duckdb.sql("select cast('canary' as int)").fetchall(),
    "too deep": lambda: json.loads("[" * 100_000),
    "an answer that breaks off": lambda: (_ for _ in ()).throw(requests.exceptions.ChunkedEncodingError("canary")),
}


@pytest.mark.parametrize("kind", RAISED)
def test_whatever_an_input_raises_refuses_its_slice_and_the_others_land(home: Home, kind: str) -> None:
    landed(home, {"a": [record("x", "1")], "b": [record("y", "2")]})
    report = landed(home, {"a": _raised(RAISED[kind]), "b": [record("y", "3")]}, NOW + timedelta(1))
    ((slice_id, message),) = report.refused
    assert slice_id == "a" and re.fullmatch(r"a: can't be read \(\w+ in [\w/]+\.py, line \d+\)", message)
    assert current_rows(home) == [("x", Decimal("1")), ("y", Decimal("3"))]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), MemoryError()])
def test_error_of_the_machine_is_not_taken_for_the_input_s(home: Home, error: Exception) -> None:
    with pytest.raises(Exception) as caught:
        landed(home, {"a": error, "b": [record("y", "3")]})
    assert any(link is error for link in _chain(caught.value))
    assert current_rows(home) == []


@pytest.mark.parametrize(
    ("cost", "kept"),
    [
        ("0.30000000000000004", "0.300000000000"),
        ("0.0000000000005", "0"),
        ("0.0000000000015", "0.000000000002"),
        ("1e-30", "0"),
        ("9999999999999.9999999999991", "9999999999999.999999999999"),
    ],
)
def test_cost_with_more_than_twelve_places_is_rounded_once(home: Home, cost: str, kept: str) -> None:
    report = landed(home, {"a": [record("x", cost), record("y", "1.5")]})
    assert not report.refused and current_rows(home) == [("x", Decimal(kept)), ("y", Decimal("1.5"))]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("cost", Decimal(value)) for value in ("1e27", "NaN", "Infinity", "1e999999", "-1e26", "1e999999999")),
        *(("sku", Decimal(value)) for value in ("1e999999999999999999", "1e-999999999", "NaN")),
        ("cost", "hush"),
        ("cost", True),
        ("sku", {"hush": 1}),
        ("sku", "hush\ud800"),
        ("ended_at", "hush"),
    ],
)
def test_value_that_its_column_cannot_hold_is_refused_by_record_and_column(
    home: Home, column: str, value: object
) -> None:
    bad = [record("x", "1"), {**record("y", "2"), column: value}]
    report = landed(home, {"a": bad, "b": [record("z", "0.30000000000000004")]})
    ((_, message),) = report.refused
    assert message.startswith(f"charges of a, record 2, {column}: ") and "hush" not in message
    assert current_rows(home) == [("z", Decimal("0.3"))]


@pytest.mark.parametrize("cost", ["1e13", "-1e13", "99999999999999999999999999"])
def test_cost_that_no_vendor_bills_is_refused_before_it_is_added_up(home: Home, cost: str) -> None:
    report = landed(home, {"a": [record("x", cost), record("y", "2")], "b": [record("z", "2")]})
    assert report.refused == [("a", "charges of a: cost of 10^13 or more, which no vendor bills")]
    assert current_rows(home) == [("z", Decimal("2"))]


@pytest.mark.parametrize(
    ("column", "kind", "value", "limit"),
    [
        ("cost", pa.decimal128(38, 12), Decimal("1e13"), 13),
        ("cost", pa.decimal128(38, 12), Decimal("-1e13"), 13),
        ("unblended_cost", pa.float64(), -1e13, 13),
        ("quantity", pa.decimal128(38, 12), Decimal("1e21"), 21),
        ("usage", pa.float64(), 1e22, 21),
        ("usage", pa.float64(), float("-inf"), 21),
        ("tokens", pa.int64(), -(10**13), 13),
        ("ended_at", pa.timestamp("us", tz="UTC"), datetime(9998, 1, 1, tzinfo=UTC), None),
        ("began_at", pa.timestamp("ms"), datetime(1, 1, 1), None),  # noqa: DTZ001 - as AWS writes times
    ],
)
def test_file_with_a_value_that_no_vendor_bills_is_refused_by_its_column(
    home: Home, tmp_path: Path, column: str, kind: pa.DataType, value: Any, limit: int | None
) -> None:
    table = Table(
        "files",
        "",
        (
            money("cost", "cost in currency"),
            number("quantity", "quantity"),
            Column("usage", pa.float64(), "usage as a float"),
            Column("unblended_cost", pa.float64(), "cost as a float"),
            integer("tokens", "tokens"),
            timestamp("ended_at", "end"),
            Column("began_at", pa.timestamp("ms"), "begin"),
        ),
        measures=(Measure("billed_cost", "cost", "currency"),),
        vendor_files=True,
    )
    good, bad = tmp_path / "good.parquet", tmp_path / "bad.parquet"
    pq.write_table(pa.table({column: pa.array([None], kind)}), good)
    pq.write_table(
        pa.table({column: pa.array([None, value], kind), "unknown": [None, 1e300]}), bad, row_group_size=1
    )
    files = {name: VendorFile(table, path, 1, (), None) for name, path in (("a", bad), ("b", good))}
    source = replace(source_of(files, per_slice=True), tables=(table,))
    report = land(home, source, NoSettings(), WINDOW, NOW)
    ((slice_id, message),) = report.refused
    expected = f"10^{limit} or more" if limit else f"the year {value.year:04d}"
    assert slice_id == "a" and message == f"files of a: {column} of {expected}, which no vendor bills"
    assert report.states == {"refused": 1, "delivered": 1}


def test_id_that_comes_as_a_number_is_text(home: Home) -> None:
    landed(
        home,
        {"a": [record("x", "1"), {**record("y", "2"), "sku": 7}, {**record("y", "3"), "sku": Decimal("1e2")}]},
    )
    assert [sku for sku, _ in current_rows(home)] == ["100", "7", "x"]


@pytest.mark.parametrize("year", [1, 1899, 2070, 9999])
def test_charge_of_a_year_that_nobody_bills_is_refused(home: Home, year: int) -> None:
    odd = {**record("x", "1"), "ended_at": datetime(year, 1, 1, tzinfo=UTC)}
    report = landed(home, {"a": [record("y", "1"), odd], "b": [record("z", "2")]})
    assert report.refused == [("a", f"charges of a: ended_at of the year {year:04d}, which no vendor bills")]
    assert current_rows(home) == [("z", Decimal("2"))]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


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
    delivered_content = VendorFile(FILES, path, 1, (Total("billed_cost", "USD", Decimal("0.1"), 1),), NOW)
    landed(home, {"e|2026-11": delivered_content}, per_slice=True)
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

"""FOCUS files of any vendor land exactly, in one shape, by their billing period; what can't be read is named."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import BadInput, SettingError
from ingestion.lake.contract import Landing
from ingestion.lake.people import hashed
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.focus import SOURCE
from ingestion.sources.focus.client import period_of
from ingestion.sources.focus.source import FocusSettings

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
WINDOW = Window(Month(2026, 9), Month(2026, 11))
HEADER = (
    "BilledCost,EffectiveCost,BillingCurrency,BillingAccountId,BillingPeriodStart,ChargeCategory,"
    "ChargePeriodStart,ChargePeriodEnd,ProviderName,Tags,x_Team"
)


def line(
    cost: str, period: str = "2026-10-01T00:00:00Z", start: str = "2026-10-05T00:00:00Z", rest: str = ""
) -> str:
    return f"{cost},{cost},USD,012345678901,{period},Usage,{start},2026-10-06T00:00:00Z,Warehouse,{rest or ','}"


def write(folder: Path, name: str, *lines: str, header: str = HEADER) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    content = "\n".join((header, *lines)).encode()
    file.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return file


def landed(tmp_path: Path, compare_only: tuple[str, ...] = ()) -> Landing:
    settings = FocusSettings((f"dwh={tmp_path / 'bills'}",), compare_only)
    return land(Home(tmp_path / "home"), SOURCE, settings, WINDOW, NOW)


def rows(tmp_path: Path, columns: str = "*", table: str = "cost_and_usage") -> list[tuple[Any, ...]]:
    files = f"{tmp_path / 'home' / 'lake' / 'raw_focus' / table}/*.parquet"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        return connection.execute(f"select {columns} from read_parquet('{files}') order by all").fetchall()


def test_numbers_times_and_ids_are_what_the_vendor_wrote(tmp_path: Path) -> None:
    write(
        tmp_path / "bills",
        "october.csv.gz",
        line("5e-06", start="2026-10-05 00:00:00", rest='"{""team"": ""bi""}",NULL'),
        line('"$10,100.00 "', start="10/5/26", rest='"""team"": ""bi""",x'),
        header="\ufeff" + HEADER.replace("BilledCost", "billed_cost"),
    )
    assert landed(tmp_path).states == {"delivered": 1}
    start = datetime(2026, 10, 5, tzinfo=UTC)
    assert rows(tmp_path, "billed_cost, billing_account_id, charge_period_start, tags, extra, list_cost") == [
        (Decimal("0.000005000000"), "012345678901", start, '{"team": "bi"}', None, None),
        (Decimal("10100.000000000000"), "012345678901", start, '{"team": "bi"}', '{"x_Team":"x"}', None),
    ]


def test_parquet_of_doubles_and_maps_is_the_same_as_text(tmp_path: Path) -> None:
    start, end = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 10, 2, tzinfo=UTC)
    table = pa.table(
        {
            "BilledCost": pa.array([68565.40210687]),
            "EffectiveCost": pa.array([Decimal("1.5")]),
            "BillingCurrency": ["EUR"],
            "BillingAccountId": ["a"],
            "BillingPeriodStart": pa.array([start], pa.timestamp("us", tz="UTC")),
            "ChargeCategory": ["Usage"],
            "ChargePeriodStart": pa.array([start], pa.timestamp("ns")),
            "ChargePeriodEnd": pa.array([end], pa.timestamp("us", tz="UTC")),
            "Tags": pa.array([[("team", "bi")]], pa.map_(pa.string(), pa.string())),
            "x_Credits": pa.array([[{"name": "promo"}]]),
        }
    )
    (tmp_path / "bills" / "202610").mkdir(parents=True)
    pq.write_table(table, tmp_path / "bills" / "202610" / "part.parquet")
    assert landed(tmp_path).states == {"delivered": 1}
    assert rows(tmp_path, "billed_cost, effective_cost, charge_period_start, tags, extra") == [
        (Decimal("68565.402106870000"), Decimal("1.5"), start, '{"team":"bi"}', '{"x_Credits":[{"name":"promo"}]}')
    ]


def test_file_of_several_periods_makes_a_slice_of_each_and_is_read_again_only_when_it_changes(
    tmp_path: Path,
) -> None:
    bills = tmp_path / "bills"
    write(bills, "all.csv", line("1.1", "2026-09-01"), line("2.2"), line("3.3"))
    assert landed(tmp_path).states == {"delivered": 2}
    totals = "slice_id, measure, amount, row_count"
    assert rows(tmp_path, totals, "delivery_totals") == [
        ("dwh|2026-09", "billed_cost", Decimal("1.1"), 1),
        ("dwh|2026-10", "billed_cost", Decimal("5.5"), 2),
    ]
    assert landed(tmp_path).states == {"unchanged": 2}
    write(bills, "all.csv", line("1.1", "2026-09-01"))
    assert landed(tmp_path).states == {"delivered": 1, "empty": 1}


def test_export_that_is_only_compared_has_no_total_for_the_ledger(tmp_path: Path) -> None:
    write(tmp_path / "bills", "2026-10/a.csv", line("1.1"))
    assert landed(tmp_path, ("dwh",)).states == {"delivered": 1}
    assert rows(tmp_path, "measure, amount", "delivery_totals") == [("compared_billed_cost", Decimal("1.1"))]
    assert landed(tmp_path).states == {"delivered": 1}
    assert rows(tmp_path, "is_compare_only") == [(False,), (True,)]


def test_of_azures_runs_of_a_period_the_newest_counts(tmp_path: Path) -> None:
    for run, submitted, cost in (("z", "2026-10-05T01:00:00Z", "1"), ("a", "2026-10-06T01:00:00Z", "2")):
        folder = f"20261001-20261031/{run}"
        file = write(tmp_path / "bills", f"{folder}/part_0.csv", line(cost))
        (file.parent / "manifest.json").write_text(json.dumps({"runInfo": {"submittedTime": submitted}}))
    assert landed(tmp_path).states == {"delivered": 1}
    assert rows(tmp_path, "billed_cost") == [(Decimal(2),)]


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        (HEADER.replace("EffectiveCost", "Cost"), line("1"), "has no column EffectiveCost"),
        (HEADER, line("1,5".join('""')), "row 2, column BilledCost: not a number"),
        (
            HEADER,
            line("1", start="13.10.2026"),
            "row 2, column ChargePeriodStart: not a time, its day stands first",
        ),
        (HEADER, line(""), "row 2, column BilledCost: must not be empty"),
    ],
)
def test_file_that_can_not_be_read_is_refused_by_name(
    tmp_path: Path, header: str, row: str, expected: str
) -> None:
    write(tmp_path / "bills", "2026-10/bad.csv", line("1"), row, header=header)
    write(tmp_path / "bills", "2026-09/good.csv", line("1", "2026-09-01"))
    landing = landed(tmp_path)
    assert landing.states == {"refused": 1, "delivered": 1}
    assert "2026-10/bad.csv" in landing.refused[0][1] and expected in landing.refused[0][1]


def test_gzip_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "bills", "2026-10/a.csv.gz", line("1"))
    file.write_bytes(file.read_bytes()[:-6])
    assert "not a whole CSV file" in landed(tmp_path).refused[0][1]


@pytest.mark.parametrize(
    ("key", "period"),
    [
        ("BILLING_PERIOD=2026-10/a.csv", "2026-10"),
        ("x/2026-10/2/a.csv", "2026-10"),
        ("202610/a.csv", "2026-10"),
        ("cost/20261001-20261031/run/a.csv", "2026-10"),
        ("2026-13/a.csv", None),
        ("reports/2026-10.csv", None),
    ],
)
def test_period_comes_from_a_folder_of_the_path(key: str, period: str | None) -> None:
    assert period_of(key) == period


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="write NAME=URL"):
        FocusSettings(("s3://bills/x",)).urls()
    with pytest.raises(SettingError, match="two exports are called a"):
        FocusSettings(("a=/x", "a=/y")).urls()
    with pytest.raises(SettingError, match="no export called b"):
        FocusSettings(("a=/x",), ("b",)).urls()
    (tmp_path / "bills").mkdir()
    with pytest.raises(BadInput, match=r"no \.csv"):
        landed(tmp_path)


def test_export_that_has_not_delivered_yet_holds_up_no_other(tmp_path: Path) -> None:
    write(tmp_path / "bills", "a.csv", line("11.5"))
    (tmp_path / "new").mkdir()
    settings = FocusSettings((f"new={tmp_path / 'new'}", f"dwh={tmp_path / 'bills'}"))
    landing = land(Home(tmp_path / "home"), SOURCE, settings, WINDOW, NOW)
    assert landing.states == {"no_data": 1, "delivered": 1} and not landing.refused
    assert f"nothing delivered yet: {tmp_path / 'new'}: no .csv" in str(landing)
    assert rows(tmp_path, "billed_cost") == [(Decimal("11.5"),)]
    # It delivers later.
    write(tmp_path / "new", "a.csv", line("2"))
    assert land(Home(tmp_path / "home"), SOURCE, settings, WINDOW, NOW).states == {"delivered": 1, "unchanged": 1}


def data_export(folder: Path, cost: str) -> None:
    """An AWS Data Export of October with one charge, and the file of an execution that is superseded."""
    for name, amount in (("old", "99"), ("new", cost)):
        write(folder, f"data/BILLING_PERIOD=2026-10/{name}/x-00001.csv.gz", line(amount))
    manifest = folder / "metadata" / "BILLING_PERIOD=2026-10" / "x-Manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"dataFiles": ["data/BILLING_PERIOD=2026-10/new/x-00001.csv.gz"]}))


def test_exports_below_one_address_are_read_by_their_manifests_and_other_files_beside_them(tmp_path: Path) -> None:
    write(tmp_path / "bills", "other/2026-10/a.csv", line("1"))
    assert landed(tmp_path).states == {"delivered": 1}
    data_export(tmp_path / "bills" / "a", "2")
    data_export(tmp_path / "bills" / "b", "3")
    assert landed(tmp_path).states == {"delivered": 2, "unchanged": 1}
    slices = {note for (note,) in rows(tmp_path, "distinct slice_id", "deliveries")}
    assert slices == {"dwh|2026-10", "dwh/a|2026-10", "dwh/b|2026-10"}
    assert rows(tmp_path, "billed_cost") == [(Decimal(1),), (Decimal(2),), (Decimal(3),)]


def test_what_was_read_as_plain_files_is_emptied_when_exports_are_found_there(tmp_path: Path) -> None:
    write(tmp_path / "bills", "a/2026-10/x.csv", line("2"))
    assert landed(tmp_path).states == {"delivered": 1}
    (tmp_path / "bills" / "a" / "2026-10" / "x.csv").unlink()
    data_export(tmp_path / "bills" / "a", "2")
    assert landed(tmp_path).states == {"delivered": 1, "empty": 1}


def test_rows_decide_the_month_before_the_folders_name(tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    write(bills, "2026-10/of-september.csv", line("9", "2026-09-01"))
    write(bills, "2026-10/of-both.csv", line("1", "2026-09-01"), line("2"))
    write(bills, "2026-09/own.csv", line("4", "2026-09-01"))
    assert landed(tmp_path).states == {"delivered": 2}
    by_slice: dict[str, Decimal] = {}
    for slice_id, amount in rows(tmp_path, "slice_id, amount", "delivery_totals"):
        by_slice[slice_id] = by_slice.get(slice_id, Decimal(0)) + amount
    assert by_slice == {"dwh|2026-09": Decimal(14), "dwh|2026-10": Decimal(2)}
    assert landed(tmp_path).states == {"unchanged": 2}


def test_folder_whose_rows_turn_out_to_be_of_another_month_is_emptied(tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    write(bills, "20261001-20261031/run/a.csv", line("9"))
    assert landed(tmp_path).states == {"delivered": 1}
    write(bills, "20261001-20261031/run/a.csv", line("9", "2026-09-01"))
    assert landed(tmp_path).states == {"delivered": 1, "empty": 1}
    assert landed(tmp_path).states == {"unchanged": 2}


def test_folder_of_a_month_with_rows_of_one_outside_the_window_is_landed_there(tmp_path: Path) -> None:
    write(tmp_path / "bills", "20261001-20261031/run/a.csv", line("9", "2026-07-01"))
    assert landed(tmp_path).states == {"delivered": 1}
    assert rows(tmp_path, "distinct slice_id", "deliveries") == [("dwh|2026-07",)]


@pytest.mark.parametrize(
    ("start", "month"),
    [
        ("2026-10-01T00:00:00+08:00", "2026-10"),
        ("2026-10-01T00:00:00+14:00", "2026-10"),
        ("2026-10-01T00:00:00-07:00", "2026-10"),
        ("2026-10-01T00:00:00Z", "2026-10"),
        ("2026-10-15T00:00:00Z", "2026-10"),
        ("2026-09-30T00:00:00Z", "2026-09"),
    ],
)
def test_month_is_that_of_the_vendors_own_zone(tmp_path: Path, start: str, month: str) -> None:
    write(tmp_path / "bills", "a.csv", line("9", start))
    assert landed(tmp_path).states == {"delivered": 1}
    assert rows(tmp_path, "distinct slice_id", "deliveries") == [(f"dwh|{month}",)]


def test_addresses_of_people_are_hashed_as_requests_carry_them_and_aws_rows_are_as_in_cur(tmp_path: Path) -> None:
    tags = '"{""user_email"": ""Jane.Doe@Example.com"", ""image"": ""a@sha256:1"", ""v"": ""pkg@1.2.3""}",'
    write(tmp_path / "bills", "a.csv", line("1", rest=tags + "to jane.doe@example.com"))
    aws = line("2", rest=tags + "jane.doe@example.com").replace(",Warehouse,", ",Amazon Web Services,")
    write(tmp_path / "bills", "b.csv", aws)
    assert landed(tmp_path).states == {"delivered": 1}
    person = hashed("jane.doe@example.com")
    assert person == hashed("Jane.Doe@Example.com") and person.startswith("sha256:")
    (_, found, extra), (_, of_aws, extra_of_aws) = rows(tmp_path, "billed_cost, tags, extra")
    assert json.loads(found) == {"user_email": person, "image": "a@sha256:1", "v": "pkg@1.2.3"}
    assert json.loads(extra) == {"x_Team": f"to {person}"}
    assert json.loads(of_aws)["user_email"] == "Jane.Doe@Example.com"
    assert json.loads(extra_of_aws) == {"x_Team": "jane.doe@example.com"}

"""From a vendor's file to CUR 2.0's columns: nothing lost, amounts exact, faults named by row and column."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import BadInput
from ingestion.lake.pipeline import land
from ingestion.lake.rejected import Rejected
from ingestion.settings import Home, Month, Window
from ingestion.sources.aws import SOURCE
from ingestion.sources.aws.convert import convert
from ingestion.sources.aws.names import snake, words
from ingestion.sources.aws.source import AwsSettings, inspect

DATA = Path(__file__).parent.parent / "data" / "aws"
LINE = {
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-10-01T00:00:00Z",
    "lineItem/UnblendedCost": "1.5",
    "lineItem/CurrencyCode": "USD",
}


def csv_file(folder: Path, *rows: dict[str, str] | list[list[str]]) -> Path:
    """A gzipped CSV file of rows by header, or of lists of cells where headers are doubled."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    for row in rows:
        if isinstance(row, list):
            writer.writerows(row)
        else:
            writer.writerows([list(row)] if row is rows[0] else [])
            writer.writerow(row.values())
    path = folder / "00000"
    path.write_bytes(gzip.compress(text.getvalue().encode()))
    return path


def converted(path: Path, where: str = "report-1.csv.gz") -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(convert(path, where)).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("lineItem/UsageStartDate", "line_item_usage_start_date"),
        ("savingsPlan/SavingsPlanARN", "savings_plan_savings_plan_a_r_n"),
        ("pricing/publicOnDemandCost", "pricing_public_on_demand_cost"),
        ("splitLineItem/ParentResourceId", "split_line_item_parent_resource_id"),
    ],
)
def test_legacy_headers_are_spelled_as_in_cur_2(header: str, column: str) -> None:
    category, name = header.split("/")
    assert f"{snake(category)}_{snake(name)}" == column


@pytest.mark.parametrize(
    ("tag", "key"),
    [
        ("user:Team", "user_team"),
        ("user:CostCenter", "user_cost_center"),
        ("user:cost-center", "user_cost_center"),
        ("user:TEAM", "user_team"),
        ("aws:createdBy", "aws_created_by"),
        ("user:équipe", "user_équipe"),
        ("::", "::"),
    ],
)
def test_tags_have_one_spelling(tag: str, key: str) -> None:
    assert words(tag) == key


def test_tags_that_differ_in_case_only_keep_every_value(tmp_path: Path) -> None:
    tags = ["resourceTags/user:Environment", "resourceTags/user:environment"]
    header = [[*LINE, *tags]]
    cells = [["prod", "test"], ["prod", ""], ["", "test"], ["", ""]]
    rows = converted(csv_file(tmp_path, header, [[*LINE.values(), *pair] for pair in cells]))
    assert [dict(row["resource_tags"]) for row in rows] == [
        {"user_environment": "test", "user:Environment": "prod", "user:environment": "test"},
        {"user_environment": "prod", "user:Environment": "prod"},
        {"user_environment": "test", "user:environment": "test"},
        {},
    ]


def test_columns_that_cur_2_calls_otherwise_or_does_not_know(tmp_path: Path) -> None:
    line = {
        **LINE,
        "product/ProductName": "Amazon Simple Storage Service",
        "product/region": "eu-central-1",
        "product/regionCode": "",
        "product/volumeType": "Standard",
        "savingsPlan/SavingsPlanArn": "arn:aws:savingsplans::1:savingsplan/x",
        "costCategory/Charge type": "shared",
        "lineItem/NewFee": "0.10",
        "bill/PayerAccountId": "001234567890",
    }
    (row,) = converted(csv_file(tmp_path, line))
    assert dict(row["product"]) == {
        "product_name": "Amazon Simple Storage Service",
        "region": "eu-central-1",
        "volume_type": "Standard",
    }
    assert row["product_region_code"] == "eu-central-1"
    assert row["savings_plan_savings_plan_a_r_n"].endswith("/x")
    assert dict(row["cost_category"]) == {"charge_type": "shared"}
    assert dict(row["other_columns"])["line_item_new_fee"] == "0.10"
    assert row["bill_payer_account_id"] == "001234567890"
    assert row["line_item_net_unblended_cost"] is None


@pytest.mark.parametrize(
    "cost",
    ["0.000001", "5e-06", "1E-12", "-68565.40210687", "0.0097566768607779", "123456789.123456", "0", "-0.5"],
)
def test_amounts_in_text_are_exact_to_twelve_places(tmp_path: Path, cost: str) -> None:
    path = convert(csv_file(tmp_path, {**LINE, "lineItem/UnblendedCost": cost}), "x.csv.gz")
    (total,) = inspect(path, "x").totals
    assert total.amount == round(Decimal(cost), 12)


@pytest.mark.parametrize(
    "moment",
    [
        "2026-10-01T02:00:00Z",
        "2026-10-01T02:00:00.000Z",
        "2026-10-01 02:00:00+00:00",
        "2026-10-01 02:00:00",
        "2026-10-01T04:00:00+02:00",
    ],
)
def test_times_are_utc_however_they_are_spelled(tmp_path: Path, moment: str) -> None:
    (row,) = converted(csv_file(tmp_path, {**LINE, "lineItem/UsageStartDate": moment}))
    assert row["line_item_usage_start_date"] == datetime(2026, 10, 1, 2)  # noqa: DTZ001 - CUR's times carry no zone


def test_cur_2_csv_has_its_maps_as_json(tmp_path: Path) -> None:
    line = {
        "line_item_line_item_type": "Usage",
        "line_item_usage_start_date": "2026-10-01T00:00:00.000Z",
        "line_item_unblended_cost": "1",
        "resource_tags": '{"user_team":"search","user_note":"a, \\"b\\""}',
        "discount": '{"total": 0.5}',
        "product_volume_kind": "gp3",
        "product": '{"product_name":"EBS"}',
    }
    (row,) = converted(csv_file(tmp_path, line))
    assert dict(row["resource_tags"]) == {"user_team": "search", "user_note": 'a, "b"'}
    assert dict(row["product"]) == {"product_name": "EBS", "volume_kind": "gp3"}
    assert dict(row["other_columns"]) == {"discount": '{"total": 0.5}'}


def test_parquet_of_other_types_comes_to_the_raw_tables(tmp_path: Path) -> None:
    """Athena's and other engines' Parquet: instants with a zone, decimals, account ids as numbers."""
    table = pa.table(
        {
            "line_item_line_item_type": ["Usage"],
            "line_item_usage_start_date": pa.array(
                [datetime(2026, 10, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC")
            ),
            "line_item_unblended_cost": pa.array([Decimal("68565.402106870000")], pa.decimal128(38, 12)),
            "line_item_usage_account_id": pa.array([1234567890], pa.int64()),
            "resource_tags_user_team": ["search"],
            "product_region": ["eu-central-1"],
            "product_region_code": [""],
        }
    )
    pq.write_table(table, tmp_path / "00000")
    (row,) = converted(tmp_path / "00000", "x.snappy.parquet")
    assert row["line_item_unblended_cost"] == 68565.40210687
    assert row["line_item_usage_account_id"] == "001234567890"
    assert dict(row["resource_tags"]) == {"user_team": "search"}
    assert row["product_region_code"] == "eu-central-1"


@pytest.mark.parametrize(
    ("value", "expected"), [("1,50", "not a number"), ("1e13", "10^13 or more, which no vendor bills")]
)
def test_row_without_a_readable_cost_refuses_its_file(tmp_path: Path, value: str, expected: str) -> None:
    rejected = Rejected()
    with pytest.raises(BadInput) as caught:
        convert(
            csv_file(tmp_path, LINE, {**LINE, "lineItem/UnblendedCost": value}),
            "s3://bills/report-1.csv.gz",
            rejected,
        )
    assert str(caught.value) == f"s3://bills/report-1.csv.gz: row 2, column lineItem/UnblendedCost: {expected}"
    assert not rejected.records


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("lineItem/UsageStartDate", "soon", "not a time"),
        ("lineItem/UsageStartDate", "0001-01-01T00:00:00Z", "of a year in which no vendor bills"),
        ("lineItem/UsageEndDate", "9999-12-31T23:59:59Z", "of a year in which no vendor bills"),
        ("lineItem/UsageEndDate", "infinity", "of a year in which no vendor bills"),
        ("lineItem/UsageEndDate", "10000-01-01", "of a year in which no vendor bills"),
        ("lineItem/UsageEndDate", "0044-03-15 (BC)", "of a year in which no vendor bills"),
        ("lineItem/UsageAmount", "many", "not a number"),
        ("lineItem/UsageAmount", "1e27", "10^21 or more, which no vendor bills"),
        ("pricing/publicOnDemandCost", "-1e13", "10^13 or more, which no vendor bills"),
    ],
)
def test_row_that_cannot_be_read_is_set_aside_with_what_it_bills(
    tmp_path: Path, column: str, value: str, reason: str
) -> None:
    good = {**LINE, column: LINE.get(column, "")}
    rejected = Rejected()
    path = convert(
        csv_file(tmp_path, good, {**good, column: value, "lineItem/UnblendedCost": "0.25"}, dict(good)),
        "report-1.csv.gz",
        rejected,
    )
    assert [row["line_item_unblended_cost"] for row in pq.read_table(path).to_pylist()] == [1.5, 1.5]
    assert rejected.records == [
        {
            "place": "report-1.csv.gz: row 2",
            "reason": f"column {column}: {reason}",
            "billed_cost": Decimal("0.25"),
            "billing_currency": "USD",
        }
    ]


@pytest.mark.parametrize("value", ["team", "[1]", "0001-01-01", '"x"'])
def test_tags_that_are_no_map_cost_no_record_and_stay_under_their_own_name(tmp_path: Path, value: str) -> None:
    (row,) = converted(csv_file(tmp_path, {**LINE, "resource_tags": value, "lineItem/Another": "a"}))
    assert not row["resource_tags"]
    assert dict(row["other_columns"]) == {"resource_tags": value, "line_item_another": "a"}


@pytest.mark.parametrize("value", ["soon", "[1]", "0001-01-01"])
def test_column_that_the_ledger_does_not_need_costs_no_record(tmp_path: Path, value: str) -> None:
    (row,) = converted(csv_file(tmp_path, {**LINE, "splitLineItem/ActualUsage": value}))
    assert row["split_line_item_actual_usage"] is None


def own_parquet(folder: Path, *rows: dict[str, Any]) -> Path:
    """CUR 2.0's own file of these rows."""
    kinds = {
        "line_item_line_item_type": pa.string(),
        "line_item_usage_start_date": pa.timestamp("ms"),
        "line_item_unblended_cost": pa.float64(),
        "line_item_usage_amount": pa.float64(),
        "line_item_operation": pa.string(),
    }
    path = folder / "00000"
    pq.write_table(pa.Table.from_pylist(list(rows), pa.schema(list(kinds.items()))), path)
    return path


OWN = {
    "line_item_line_item_type": "Usage",
    "line_item_usage_start_date": datetime(2026, 10, 1),  # noqa: DTZ001 - AWS's own
    "line_item_unblended_cost": 0.1,
    "line_item_usage_amount": 2.0,
    "line_item_operation": "RunInstances",
}


def test_row_of_aws_s_own_parquet_that_no_vendor_bills_is_set_aside(tmp_path: Path) -> None:
    first = OWN["line_item_usage_start_date"]
    odd = [
        {**OWN, "line_item_usage_start_date": datetime(1, 1, 1)},  # noqa: DTZ001 - AWS's own
        {**OWN, "line_item_usage_amount": math.inf, "line_item_operation": "EKSPod-EC2"},
    ]
    rejected = Rejected()
    path = convert(
        own_parquet(tmp_path, OWN, *odd, {**OWN, "line_item_usage_amount": math.nan}), "a.parquet", rejected
    )
    assert [row["line_item_usage_start_date"] for row in pq.read_table(path).to_pylist()] == [first, first]
    assert [(record["place"], record["billed_cost"]) for record in rejected.records] == [
        ("a.parquet: row 2", Decimal("0.1")),
        ("a.parquet: row 3", Decimal(0)),
    ]


@pytest.mark.parametrize("odd", [1e27, math.inf])
def test_number_of_a_column_with_nan_is_looked_at_too(tmp_path: Path, odd: float) -> None:
    """Of doubles with a NaN a Parquet file has no statistics."""
    rows = [{**OWN, "line_item_usage_amount": amount} for amount in (math.nan, odd, 1.0)]
    rejected = Rejected()
    path = convert(own_parquet(tmp_path, *rows), "a.parquet", rejected)
    assert pq.read_metadata(path).num_rows == 2
    assert [record["place"] for record in rejected.records] == ["a.parquet: row 2"]


@pytest.mark.parametrize("moment", [6_000_000_000_000_000, -70_000_000_000_000, 253_402_300_800_000])
def test_time_that_python_cannot_hold_is_set_aside(tmp_path: Path, moment: int) -> None:
    path = own_parquet(tmp_path, OWN, OWN)
    table = pq.read_table(path)
    first = table["line_item_usage_start_date"][0].cast(pa.int64()).as_py()
    times = pa.array([first, moment], pa.timestamp("ms"))
    name = "line_item_usage_start_date"
    pq.write_table(table.set_column(table.schema.get_field_index(name), name, times), path)
    rejected = Rejected()
    assert pq.read_metadata(convert(path, "a.parquet", rejected)).num_rows == 1
    assert [record["place"] for record in rejected.records] == ["a.parquet: row 2"]


def test_row_without_a_readable_cost_refuses_its_file_whatever_else_is_odd(tmp_path: Path) -> None:
    odd = {**OWN, "line_item_unblended_cost": math.nan, "line_item_usage_amount": 1e27}
    with pytest.raises(BadInput, match="row 2, column line_item_unblended_cost: not a number"):
        convert(own_parquet(tmp_path, OWN, odd), "a.parquet", Rejected())


@pytest.mark.parametrize("tags", ['{"a":"\\ud800"}', '[{"k":"\\ud800"}]', '{"a":"\\ud800","a":"b"}'])
def test_tags_with_half_a_surrogate_pair_cost_no_record(tmp_path: Path, tags: str) -> None:
    (row,) = converted(csv_file(tmp_path, {**LINE, "resource_tags": tags}))
    assert row["line_item_unblended_cost"] == 1.5 and row["resource_tags"]


def test_currency_of_a_row_that_is_set_aside_is_read_without_case(tmp_path: Path) -> None:
    odd = {**LINE, "lineItem/CurrencyCode": " usd", "lineItem/UsageStartDate": "soon"}
    rejected = Rejected()
    convert(csv_file(tmp_path, LINE, odd), "report-1.csv.gz", rejected)
    assert [(record["billed_cost"], record["billing_currency"]) for record in rejected.records] == [
        (Decimal("1.5"), "USD")
    ]


@pytest.mark.parametrize("cost", [math.nan, math.inf, 1e13])
def test_aws_s_own_parquet_with_a_cost_that_is_no_amount_is_refused(tmp_path: Path, cost: float) -> None:
    with pytest.raises(BadInput, match=r"a\.parquet: "):
        inspect(
            convert(own_parquet(tmp_path, OWN, {**OWN, "line_item_unblended_cost": cost}), "a.parquet"),
            "a.parquet",
        )


def test_file_without_a_row_that_can_be_read_is_refused(tmp_path: Path) -> None:
    bad = {**LINE, "lineItem/UsageStartDate": "soon"}
    with pytest.raises(BadInput, match="row 1: column lineItem/UsageStartDate: not a time; no other record"):
        convert(csv_file(tmp_path, bad, dict(bad)), "report-1.csv.gz", Rejected())


def test_row_with_too_few_cells_is_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"report-1\.csv\.gz: line 4: 1 field, and the header has 4"):
        convert(csv_file(tmp_path, LINE, [list(LINE.values()), ["Usage"]]), "report-1.csv.gz")


@pytest.mark.parametrize("kept", [-6, -200, 15])
def test_gzip_file_that_is_cut_off_is_refused(tmp_path: Path, kept: int) -> None:
    path = csv_file(tmp_path, *[{**LINE, "lineItem/LineItemDescription": str(n)} for n in range(3000)])
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(BadInput, match="not a whole CSV file"):
        convert(path, "report-1.csv.gz")


def test_file_that_is_no_cost_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no cost and usage report, it has no column line_item_line_item_type"):
        convert(csv_file(tmp_path, {"name": "x", "lineItem/UnblendedCost": "1"}), "report-1.csv.gz")


def test_line_without_a_currency_is_in_dollars_as_in_the_ledger(tmp_path: Path) -> None:
    path = convert(csv_file(tmp_path, LINE, {**LINE, "lineItem/CurrencyCode": ""}), "report-1.csv.gz")
    assert [(total.currency, total.amount) for total in inspect(path, "x").totals] == [("USD", 3)]


@pytest.mark.parametrize("suffix", ["csv.gz", "snappy.parquet"])
def test_focus_export_is_sent_to_the_focus_source(tmp_path: Path, suffix: str) -> None:
    line = {"BilledCost": "1", "ChargePeriodStart": "2026-10-01T00:00:00Z", "ChargeCategory": "Usage"}
    path = csv_file(tmp_path, line)
    if suffix == "snappy.parquet":
        pq.write_table(pa.Table.from_pylist([line]), path)
    with pytest.raises(BadInput, match=r"this is a FOCUS export.*sources\.focus\.exports"):
        convert(path, f"focus-00001.{suffix}")


def test_zip_is_refused_with_what_to_choose(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "00000", "w") as archive:
        archive.writestr("report-1.csv", "a")
    with pytest.raises(BadInput, match="Parquet or as gzipped CSV"):
        convert(tmp_path / "00000", "report-1.csv.zip")


def test_report_of_another_generator_lands_and_adds_up(tmp_path: Path) -> None:
    """koku-nise's legacy report (tests/data/aws): 24 hours of an instance, of S3 and of data transfer."""
    period = tmp_path / "report" / "20261001-20261101"
    data = period / "assembly" / "report-1.csv.gz"
    data.parent.mkdir(parents=True)
    data.write_bytes((DATA / "nise-legacy.csv.gz").read_bytes())
    key = "prefix/report/20261001-20261101/assembly/report-1.csv.gz"
    (period / "report-Manifest.json").write_text(json.dumps({"assemblyId": "assembly", "reportKeys": [key]}))
    home = Home(tmp_path / "home")
    october = Window(Month(2026, 10), Month(2026, 10))
    now = datetime(2026, 11, 1, tzinfo=UTC)
    landing = land(home, SOURCE, AwsSettings(str(tmp_path / "report")), october, now)
    assert landing.rows["cost_and_usage_report"] == 72
    (file,) = (home.lake / "raw_aws" / "cost_and_usage_report").glob("*.parquet")
    costs: dict[str, Decimal] = {}
    for row in pq.read_table(file).to_pylist():
        product = row["product_servicecode"]
        costs[product] = costs.get(product, Decimal(0)) + Decimal(repr(row["line_item_unblended_cost"]))
    assert costs == {"AmazonEC2": 24, "AmazonS3": 720, "AWSDataTransfer": 720}


@pytest.mark.parametrize("name", ["filename", "file_row_number", "lake_row", "slice_id", "Load_Id"])
def test_column_named_like_a_rows_place_in_the_lake_goes_into_the_map(tmp_path: Path, name: str) -> None:
    path = tmp_path / "report"
    own = {
        "line_item_line_item_type": ["Usage"],
        "line_item_usage_start_date": pa.array([datetime(2026, 10, 1)], pa.timestamp("ms")),  # noqa: DTZ001 - AWS's own
        "line_item_unblended_cost": [1.5],
        "line_item_currency_code": ["USD"],
    }
    pq.write_table(pa.table({**own, name: ["x"]}), path)
    found = convert(path, "report-1.parquet")
    assert name.lower() not in {column.lower() for column in pq.read_schema(found).names}
    assert dict(pq.read_table(found).to_pylist()[0]["other_columns"]) == {name.lower(): "x"}
    pq.write_table(pa.table(own), path)
    assert convert(path, "report-1.parquet") == path, "AWS's own file enters as it is"


@pytest.mark.parametrize(
    "tags",
    [
        '{"user_team":"bi"}',
        '[{"key":"user_team","value":"bi"}]',
        '"{\\"user_team\\":\\"bi\\"}"',
    ],
    ids=["object", "list of key and value", "JSON in JSON"],
)
def test_tags_of_every_spelling_are_a_map(tmp_path: Path, tags: str) -> None:
    (row,) = converted(csv_file(tmp_path, {**LINE, "resource_tags": tags}))
    assert row["resource_tags"] == [("user_team", "bi")]


def test_key_that_json_has_twice_costs_no_file(tmp_path: Path) -> None:
    (row,) = converted(csv_file(tmp_path, {**LINE, "resource_tags": '{"user_team":"bi","user_team":"web"}'}))
    assert row["resource_tags"] == [("user_team", "bi"), ("user_team (2)", "web")]


@pytest.mark.parametrize(
    "kind", [pa.dictionary(pa.int32(), pa.string()), pa.string_view(), pa.large_string(), pa.binary()], ids=str
)
def test_text_of_parquet_is_text_however_it_is_stored(tmp_path: Path, kind: pa.DataType) -> None:
    values = {**LINE, "resource_tags": '{"user_team":"bi"}', "lineItem/ResourceId": "i-1"}
    text = {name: pa.array([value]) for name, value in values.items()}
    columns = {
        name: column.dictionary_encode() if pa.types.is_dictionary(kind) else column.cast(kind)
        for name, column in text.items()
    }
    path = tmp_path / "00000"
    pq.write_table(pa.table(columns), path)
    (row,) = converted(path, "report-1.parquet")
    assert (row["line_item_unblended_cost"], row["line_item_resource_id"]) == (1.5, "i-1")
    assert row["resource_tags"] == [("user_team", "bi")]


def test_parquet_columns_of_one_name_but_for_case_keep_their_own_values(tmp_path: Path) -> None:
    own = {
        "line_item_line_item_type": pa.array(["Usage"]),
        "line_item_unblended_cost": pa.array([1.5]),
        "line_item_usage_start_date": pa.array([1_790_812_800_000], pa.timestamp("ms")),
        "x_note": pa.array(["a"]),
        "X_Note": pa.array(["b"]),
        "": pa.array(["c"]),
    }
    path = tmp_path / "00000"
    pq.write_table(pa.table(own), path)
    (row,) = converted(path, "report-1.parquet")
    assert sorted(value for _, value in row["other_columns"]) == ["a", "a", "b", "c"]
    assert len({key.lower() for key, _ in row["other_columns"] if key}) >= 2


@pytest.mark.parametrize(
    ("encoding", "expected"), [("utf-16", "a text in UTF-16"), ("utf-32", "a text in UTF-32")]
)
def test_csv_in_another_encoding_is_refused_by_what_it_is(tmp_path: Path, encoding: str, expected: str) -> None:
    path = tmp_path / "00000"
    path.write_bytes(gzip.compress(",".join(LINE).encode(encoding)))
    with pytest.raises(BadInput, match=expected):
        convert(path, "report-1.csv.gz")

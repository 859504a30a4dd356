"""Every AWS cost export lands in the one raw table, and adds up to the sample company's own ledger."""

from __future__ import annotations

import gzip
import shutil
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.lake.contract import Landing
from ingestion.lake.notes import known_notes, load_of
from ingestion.lake.pipeline import land
from ingestion.settings import Home, Month, Window
from ingestion.sources.aws import SOURCE
from ingestion.sources.aws.source import AwsSettings
from sample_company.aws.base import Line
from sample_company.aws.formats import FORMATS, Format, write_delivery
from sample_company.aws.lines import lines
from sample_company.world import World
from tests.engines import ENGINES, DuckDb, Spark

NOW = datetime(2026, 10, 7, 6, tzinfo=UTC)
WINDOW = Window(Month(2026, 9), Month(2026, 10))
MONTHS = ("2026-09", "2026-10")
BY_NAME = {form.name: form for form in FORMATS}
EACH = pytest.mark.parametrize("form", FORMATS, ids=lambda form: form.name)

Ledger = dict[tuple[str, str, str, str], Decimal]


def content(month: str) -> list[Line]:
    """The month's first three days, whole-month charges included; one text as AWS's marketplace writes them."""
    found = [line for line, _, _ in lines(World(7, date(2026, 10, 6)), month, date(2026, 10, 7))]
    kept = [dict(line) for line in found if line["line_item_usage_start_date"].day <= 3]
    kept[1]["line_item_line_item_description"] = 'AWS Marketplace, "hourly"\nusage, in arrears'
    kept[2]["line_item_unblended_cost"] = 5e-06
    kept[3]["line_item_unblended_cost"] = 0.123456789012345
    return kept


CONTENT = {month: content(month) for month in MONTHS}


def ledger(delivered: dict[str, list[Line]]) -> Ledger:
    """The generator's costs by billing period, line type, account and currency."""
    sums: Ledger = defaultdict(Decimal)
    for month, found in delivered.items():
        for line in found:
            key = (
                month,
                line["line_item_line_item_type"],
                line["line_item_usage_account_id"],
                line["line_item_currency_code"],
            )
            sums[key] += round(Decimal(repr(line["line_item_unblended_cost"])), 12)
    return dict(sums)


def is_billed(line: Line) -> bool:
    """Whether the bill carries the line: a container's share of an instance is the instance's own line again."""
    return line["line_item_operation"] not in ("EKSPod-EC2", "ECSTask-EC2")


def landed(home: Home) -> pa.Table:
    """The raw table as readers see it: the files of each slice's newest delivery."""
    periods = {note.load_id: note.billing_period for note in known_notes(home, "raw_aws").values()}
    tables = []
    for file in sorted((home.lake / "raw_aws" / "cost_and_usage_report").glob("*.parquet")):
        if load_of(file) in periods:
            table = pq.read_table(file, partitioning=None)
            period = pa.array([periods[load_of(file)]] * table.num_rows, pa.string())
            tables.append(table.append_column("period", period))
    return pa.concat_tables(tables, promote_options="default")


def landed_ledger(home: Home) -> Ledger:
    sums: Ledger = defaultdict(Decimal)
    columns = [
        "period",
        "line_item_line_item_type",
        "line_item_usage_account_id",
        "line_item_currency_code",
        "line_item_unblended_cost",
    ]
    for *key, cost in zip(*(landed(home)[column].to_pylist() for column in columns), strict=True):
        sums[(key[0], key[1], key[2], key[3])] += round(Decimal(repr(cost)), 12)
    return dict(sums)


def noted(home: Home) -> dict[str, Decimal]:
    """The control totals of the newest deliveries by billing period."""
    current = {note.load_id: str(note.billing_period) for note in known_notes(home, "raw_aws").values()}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for file in (home.lake / "raw_aws" / "delivery_totals").glob("*.parquet"):
        for row in pq.read_table(file, partitioning=None).to_pylist():
            if row["load_id"] in current:
                sums[current[row["load_id"]]] += row["amount"]
    return dict(sums)


def assert_lands(home: Home, export: Path, expected: dict[str, list[Line]], states: dict[str, int]) -> Landing:
    landing = land(home, SOURCE, AwsSettings(str(export)), WINDOW, NOW)
    assert landing.states == states, landing.refused
    of_lines = ledger(expected)
    assert landed_ledger(home) == of_lines
    of_bills = ledger({month: [line for line in found if is_billed(line)] for month, found in expected.items()})
    by_month = {month: sum(cost for key, cost in of_bills.items() if key[0] == month) for month in expected}
    assert noted(home) == by_month
    return landing


def deliver(form: Format, export: Path, delivered: dict[str, list[Line]], execution: str) -> None:
    for month, found in delivered.items():
        write_delivery(form, found, month, export, execution)


def cheaper(found: Iterable[Line]) -> list[Line]:
    """A restatement: a refund more, and a line less."""
    kept = list(found)
    refund = {**kept[0], "line_item_line_item_type": "Refund", "line_item_unblended_cost": -3.000000000001}
    return [*kept[1:], refund]


CSV, PARQUET = BY_NAME["cur2-csv"], BY_NAME["cur2-parquet"]
NEW = ("line_item_new_fee", "product_new_attribute")


def with_new_columns(found: list[Line]) -> list[Line]:
    return [{**line, **dict.fromkeys(NEW, 0.25)} for line in found]


def assert_carried(home: Home, month: str, is_legacy: bool = False) -> None:
    """Every line of a month lies there once, with what the ledger reads of it; legacy reports know no principals."""
    kinds = ("user_",) if is_legacy else ("user_", "iamPrincipal/")
    found = CONTENT[month]
    rows = {row["identity_line_item_id"]: row for row in landed(home).to_pylist() if row["period"] == month}
    assert len(rows) == len(found)
    for line in found:
        row = rows[line["identity_line_item_id"]]
        for column in (
            "line_item_line_item_description",
            "line_item_usage_account_id",
            "line_item_resource_id",
            "line_item_usage_amount",
            "line_item_usage_type",
            "pricing_public_on_demand_cost",
            "pricing_unit",
            "product_region_code",
            "product_servicecode",
            "product_product_family",
            "reservation_reservation_a_r_n",
            "reservation_unused_recurring_fee",
            "savings_plan_savings_plan_a_r_n",
            "savings_plan_savings_plan_effective_cost",
        ):
            assert (row[column] or None) == (line.get(column) or None), column
        assert row["line_item_usage_start_date"].replace(tzinfo=None) == line["line_item_usage_start_date"]
        assert row["bill_billing_period_end_date"].replace(tzinfo=None) == line["bill_billing_period_end_date"]
        tags = dict(row["resource_tags"])
        given = {key: value for key, value in line["resource_tags"] if key.startswith(kinds)}
        assert {key: value for key, value in tags.items() if key.startswith(kinds)} == given
        assert dict(row["cost_category"] or []) == dict(line["cost_category"] or [])
        assert dict(row["product"]).get("product_name") == dict(line["product"]).get("product_name")


@EACH
def test_what_lands_is_the_generators_ledger_line_by_line_and_in_total(form: Format, tmp_path: Path) -> None:
    home, export = Home(tmp_path / "home"), tmp_path / "bills"
    deliver(form, export, CONTENT, "20261005T053621Z-aaaa")
    assert_lands(home, export, CONTENT, {"delivered": 2})
    assert_carried(home, "2026-10", form.is_legacy)
    assert_lands(home, export, CONTENT, {"unchanged": 2})
    # The same again under a new id, then a revision, both before the next look: where deliveries have folders of their
    # own, three of them lie there, and one counts.
    revised = {**CONTENT, "2026-10": cheaper(CONTENT["2026-10"])}
    deliver(form, export, {"2026-10": CONTENT["2026-10"]}, "20261006T053621Z-0000")
    deliver(form, export, {"2026-10": revised["2026-10"]}, "20261007T053621Z-9999")
    assert_lands(home, export, revised, {"delivered": 1, "unchanged": 1})


def test_columns_that_come_and_go_leave_the_vendors_parquet_as_it_is(tmp_path: Path) -> None:
    home, export = Home(tmp_path / "home"), tmp_path / "bills"
    delivered = set()
    for number, extra in enumerate([(), NEW, (), NEW[:1]]):
        content = with_new_columns(CONTENT["2026-10"])
        write_delivery(PARQUET, content, "2026-10", export, str(number), extra=extra)
        delivered |= {file.read_bytes() for file in export.rglob("*.parquet")}
        assert_lands(home, export, {"2026-10": content}, {"delivered": 1})
    landed_files = (home.lake / "raw_aws" / "cost_and_usage_report").glob("*.parquet")
    assert delivered == {file.read_bytes() for file in landed_files}


def test_files_of_one_delivery_with_different_columns_are_made_alike(tmp_path: Path) -> None:
    home, export = Home(tmp_path / "home"), tmp_path / "bills"
    content = with_new_columns(CONTENT["2026-10"])
    write_delivery(PARQUET, content, "2026-10", export, "1", extra=NEW)
    file = max((export / "data").rglob("*.parquet"))
    pq.write_table(pq.read_table(file, partitioning=None).drop_columns([NEW[0], "cost_category"]), file)
    assert_lands(home, export, {"2026-10": content}, {"delivered": 1})
    others = [dict(found or []) for found in landed(home)["other_columns"].to_pylist()]
    assert others.count({NEW[0]: "0.25"}) == len(content) // 2


def test_period_that_becomes_empty_is_emptied(tmp_path: Path) -> None:
    home, export = Home(tmp_path / "home"), tmp_path / "bills"
    deliver(CSV, export, {"2026-10": CONTENT["2026-10"]}, "1")
    assert_lands(home, export, {"2026-10": CONTENT["2026-10"]}, {"delivered": 1})
    deliver(CSV, export, {"2026-10": CONTENT["2026-10"]}, "2")
    for file in export.rglob("*.csv.gz"):
        file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()).split(b"\r\n", 1)[0] + b"\r\n"))
    assert_lands(home, export, {}, {"empty": 1})


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An export goes from CSV to Parquet, with a new column that is text in the one and a double in the other."""
    folder = tmp_path_factory.mktemp("changed")
    home, export = Home(folder / "home"), folder / "bills"
    september, october = (with_new_columns(CONTENT[month]) for month in MONTHS)
    deliver(CSV, export, {"2026-09": CONTENT["2026-09"]}, "1")
    assert_lands(home, export, {"2026-09": CONTENT["2026-09"]}, {"delivered": 1})
    write_delivery(CSV, september, "2026-09", export, "2", extra=NEW)
    write_delivery(CSV, october, "2026-10", export, "2", extra=NEW)
    assert_lands(home, export, {"2026-09": september, "2026-10": october}, {"delivered": 2})
    # The period folder's case changes with the format, as AWS's did.
    shutil.rmtree(export)
    write_delivery(PARQUET, october, "2026-10", export, "3", extra=NEW)
    assert_lands(home, export, {"2026-09": september, "2026-10": october}, {"delivered": 1})
    files = sorted((home.lake / "raw_aws" / "cost_and_usage_report").glob("*.parquet"))
    own = {file.read_bytes() for file in (export / "data").rglob("*.parquet")}
    assert own == {file.read_bytes() for file in files[-2:]}, "CUR 2.0's Parquet enters byte for byte"
    return home


def read_all(engine: str, home: Home, columns: str) -> list[tuple[object, ...]]:
    """A query over the table's contract and all its files, united by name.

    (Staging on Spark reads the contract's columns alone; who wants a new one before it is declared asks like this.)
    """
    table = "cost_and_usage_report"
    if engine == "duckdb":
        files = [
            f"{home.lake}/raw_aws/{folder}" for folder in (f"_contract/{table}.parquet", f"{table}/*.parquet")
        ]
        return DuckDb().rows(f"select {columns} from read_parquet({files}, union_by_name = true)")
    spark = Spark()
    spark.rows("set spark.sql.parquet.mergeSchema = true")
    try:
        pattern = f"{home.lake}/raw_aws/{{_contract/{table}.parquet,{table}/*.parquet}}"
        return spark.rows(f"select {columns} from parquet.`{pattern}`")
    finally:
        spark.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_new_columns_and_a_change_of_format_are_read_by_both_engines(engine: str, changed: Home) -> None:
    columns = (
        "count(*), count(line_item_new_fee), count(other_columns['line_item_new_fee']), "
        "max(other_columns['line_item_new_fee']), max(product['new_attribute']), max(resource_tags['user_team'])"
    )
    september, october = (len(CONTENT[month]) for month in MONTHS)
    assert read_all(engine, changed, columns) == [
        (2 * september + 2 * october, october, september + october, "0.25", "0.25", "support")
    ]

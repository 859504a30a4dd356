"""FOCUS files as tools and vendors write them: kinds of columns, names, encodings, dialects, sums."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import BadInput
from ingestion.lake.contract import Total, VendorFile
from ingestion.lake.pipeline import land
from ingestion.lake.vendor_totals import check_sums
from ingestion.settings import Home, Month, Window
from ingestion.sources.focus import SOURCE
from ingestion.sources.focus.convert import Delivered, convert
from ingestion.sources.focus.source import FocusSettings

ROW: dict[str, str] = {
    "BilledCost": "1.5",
    "EffectiveCost": "1.5",
    "BillingCurrency": "USD",
    "BillingAccountId": "a",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z",
}


def read(path: Path) -> tuple[VendorFile, list[dict[str, Any]]]:
    target = path.with_name("converted.parquet")
    found = convert(path, f"bills/{path.name}", target, Delivered("a", False))
    return found, pq.read_table(target).to_pylist()


def of_csv(folder: Path, *rows: dict[str, str], encode: Callable[[str], bytes] = str.encode) -> Path:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    path = folder / "file.csv"
    path.write_bytes(encode(text.getvalue()))
    return path


def of_parquet(folder: Path, columns: dict[str, pa.Array], rows: int = 1) -> Path:
    path = folder / "file.parquet"
    pq.write_table(pa.table({**{name: pa.array([value] * rows) for name, value in ROW.items()}, **columns}), path)
    return path


TEXT_KINDS = {
    "text": pa.string(),
    "large text": pa.large_string(),
    "view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "dictionary of large text": pa.dictionary(pa.int8(), pa.large_string()),
    "bytes": pa.binary(),
    "large bytes": pa.large_binary(),
    "view of bytes": pa.binary_view(),
    "bytes of one length": pa.binary(15),
}


@pytest.mark.parametrize("kind", TEXT_KINDS.values(), ids=TEXT_KINDS)
def test_text_is_text_however_it_is_stored(kind: pa.DataType, tmp_path: Path) -> None:
    def stored(value: str) -> pa.Array:
        if pa.types.is_dictionary(kind):
            return pa.array([value]).cast(kind.value_type).dictionary_encode().cast(kind)
        return (
            pa.array([value.encode()], pa.binary()).cast(kind)
            if "binary" in str(kind)
            else pa.array([value], kind)
        )

    columns = {
        "Tags": stored('{"team": "bi" }'),
        "ResourceId": stored("résources—id"),
        "x_Note": stored("fifteen letters"),
    }
    if kind != pa.binary(15):
        columns |= {"SubAccountId": stored(""), "BilledCost": stored("2.25"), "BillingCurrency": stored("eur")}
    found, (row,) = read(of_parquet(tmp_path, columns))
    assert (row["tags"], row["resource_id"], row["sub_account_id"]) == ('{"team": "bi" }', "résources—id", None)
    assert json.loads(row["extra"]) == {"x_Note": "fifteen letters"}
    if kind != pa.binary(15):
        assert found.totals == (Total("billed_cost", "EUR", Decimal("2.25"), 1),)


TAG_KINDS = {
    "map": (pa.map_(pa.string(), pa.string()), [("team", "bi")]),
    "list of structs": (
        pa.list_(pa.struct([("key", pa.string()), ("value", pa.string()), ("x_inherited", pa.bool_())])),
        [{"key": "team", "value": "bi", "x_inherited": False}],
    ),
    "struct": (pa.struct([("team", pa.string())]), {"team": "bi"}),
    "list of texts": (pa.list_(pa.string()), ["team:bi"]),
    "JSON in JSON": (pa.string(), json.dumps(json.dumps({"team": "bi"}))),
}


@pytest.mark.parametrize(("kind", "value"), TAG_KINDS.values(), ids=TAG_KINDS)
def test_tags_of_every_kind_are_an_object(kind: pa.DataType, value: Any, tmp_path: Path) -> None:
    _, (row,) = read(of_parquet(tmp_path, {"Tags": pa.array([value], kind)}))
    assert json.loads(row["tags"]) == {"team": "bi"}


def test_list_of_tags_is_kept_beside_the_object_because_it_has_more(tmp_path: Path) -> None:
    kind, value = TAG_KINDS["list of structs"]
    _, (row,) = read(of_parquet(tmp_path, {"Tags": pa.array([value], kind)}))
    assert json.loads(row["extra"]) == {"Tags": value}


def test_columns_without_a_name_or_of_one_name_but_for_case_keep_their_own_values(tmp_path: Path) -> None:
    rest = {"": "0", "x_Team": "a", "x_team": "b", " ": "c"}
    columns = {name: pa.array([value]) for name, value in rest.items()}
    expected = {"x_Team": "a", "x_team (2)": "b"}
    for path in (of_csv(tmp_path, {**rest, **ROW}), of_parquet(tmp_path, columns)):
        found, (row,) = read(path)
        extra = json.loads(row["extra"])
        assert sorted(extra.values()) == ["0", "a", "b", "c"] and extra.items() >= expected.items()
        assert found.totals[0].amount == Decimal("1.5")


def test_of_two_columns_for_one_of_focus_the_first_counts_and_the_other_stays(tmp_path: Path) -> None:
    for path in (
        of_csv(tmp_path, {**ROW, "billedcost": "7"}),
        of_parquet(tmp_path, {"billedcost": pa.array(["7"])}),
    ):
        _, (row,) = read(path)
        assert (row["billed_cost"], json.loads(row["extra"])) == (Decimal("1.5"), {"billedcost (2)": "7"})


def test_mark_before_a_value_is_no_part_of_it(tmp_path: Path) -> None:
    path = of_csv(
        tmp_path, {**ROW, "BilledCost": "\ufeff1.5"}, ROW, encode=lambda text: f"\ufeff\ufeff{text}".encode()
    )
    assert [row["billed_cost"] for row in read(path)[1]] == [Decimal("1.5")] * 2


@pytest.mark.parametrize("padding", [1, 8, 9, 512])
@pytest.mark.parametrize("members", [1, 2])
def test_zeros_after_gzip_are_no_content(members: int, padding: int, tmp_path: Path) -> None:
    def packed(text: str) -> bytes:
        middle = len(text) // 2 if members == 2 else len(text)
        parts = (text[:middle], text[middle:])[:members]
        return b"".join(gzip.compress(part.encode()) for part in parts) + bytes(padding)

    assert read(of_csv(tmp_path, ROW, encode=packed))[0].row_count == 1


DECIMAL_COMMA = "row 1, column BilledCost: not a number, it has a decimal comma: write a point"
DAY_FIRST = "not a time, its day stands first: write YYYY-MM-DD"


def instead(old: str, new: str) -> Callable[[str], bytes]:
    return lambda text: text.replace(old, new).encode()


REFUSED: dict[str, tuple[Callable[[str], bytes], str]] = {
    "UTF-16": (lambda text: text.encode("utf-16"), "a text in UTF-16: write UTF-8"),
    "UTF-16, big end first": (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), "a text in UTF-16"),
    "UTF-16 without a mark": (lambda text: text.encode("utf-16-le"), "no text in UTF-8, or one in UTF-16"),
    "UTF-32": (lambda text: text.encode("utf-32"), "a text in UTF-32: write UTF-8"),
    "UTF-16 in gzip": (lambda text: gzip.compress(text.encode("utf-16")), "a text in UTF-16: write UTF-8"),
    "Latin-1": (lambda text: text.replace("Usage", "Überzahlung").encode("latin-1"), "not UTF-8"),
    "semicolons": (instead(",", ";"), "separated by semicolons: write commas"),
    "tabs": (instead(",", "\t"), "separated by tabs: write commas"),
    "ZIP": (lambda text: b"PK\x03\x04" + text.encode(), "a ZIP archive or a workbook"),
    "zstd": (lambda text: b"\x28\xb5\x2f\xfd" + text.encode(), "packed by zstd"),
    "decimal comma": (instead("1.5", '"1,5"'), DECIMAL_COMMA),
    "decimal comma and points": (instead("1.5", '"1.234,56"'), DECIMAL_COMMA),
    "decimal comma and spaces": (instead("1.5", '"-1 234,5"'), DECIMAL_COMMA),
    "day first": (instead("2026-10-05T00:00:00Z", "25/10/2026"), f"ChargePeriodStart: {DAY_FIRST}"),
    "day first, with points": (instead("2026-10-05T00:00:00Z", "05.10.2026"), f"ChargePeriodStart: {DAY_FIRST}"),
    "period day first": (instead("2026-10-01T00:00:00Z", "01/10/2026"), f"BillingPeriodStart: {DAY_FIRST}"),
}


@pytest.mark.parametrize(("encode", "expected"), REFUSED.values(), ids=REFUSED)
def test_file_of_another_kind_is_refused_by_what_it_is(
    encode: Callable[[str], bytes], expected: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput) as refused:
        read(of_csv(tmp_path, ROW, encode=encode))
    assert str(refused.value).startswith("bills/file.csv: ") and expected in str(refused.value)


@pytest.mark.parametrize("word", ["null", "NULL", "None", "NaN", "", " "])
def test_word_for_an_absent_number_is_none(word: str, tmp_path: Path) -> None:
    _, (row,) = read(of_csv(tmp_path, {**ROW, "ListCost": word, "ChargePeriodEnd": word, "Tags": word}))
    assert (row["list_cost"], row["charge_period_end"], row["tags"]) == (None, None, None)


def test_aws_accounts_have_twelve_digits(tmp_path: Path) -> None:
    for kind in (pa.int64(), pa.float64(), pa.string()):
        value = pa.array(["12345678910"]).cast(kind)
        for provider, expected in (
            ("AWS", "012345678910"),
            ("Amazon Web Services, Inc.", "012345678910"),
            ("X", "12345678910"),
        ):
            columns = {"SubAccountId": value, "ProviderName": pa.array([provider])}
            _, (row,) = read(of_parquet(tmp_path, columns))
            assert row["sub_account_id"] == expected, (kind, provider)


# What a cost may be, in every type that holds it.
AMOUNTS = st.decimals("-9e13", "9e13", allow_nan=False, allow_infinity=False, places=20) | st.decimals(
    "-1e-6", "1e-6", allow_nan=False, allow_infinity=False, places=24
)
FORMS: dict[str, Callable[[Decimal], str]] = {
    "plain": lambda amount: format(amount, "f"),
    "exponent": lambda amount: format(amount, "E"),
    "dollars": lambda amount: f"${amount:f}",
    "grouped": lambda amount: f"{amount:,f}",
}
SLOW_FOLDER = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def to_twelve(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1e-12"), ROUND_HALF_UP, Context(prec=80))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@SLOW_FOLDER
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=20))
def test_costs_in_text_are_exact_to_twelve_places(
    form: Callable[[Decimal], str], amounts: list[Decimal], tmp_path: Path
) -> None:
    found, rows = read(of_csv(tmp_path, *({**ROW, "BilledCost": form(amount)} for amount in amounts)))
    assert sorted(row["billed_cost"] for row in rows) == sorted(to_twelve(amount) for amount in amounts)
    assert found.totals[0].amount == sum(to_twelve(amount) for amount in amounts)


@pytest.mark.parametrize(
    ("precision", "scale"), [(38, 0), (38, 9), (38, 12), (38, 13), (38, 24), (18, 4), (9, 9), (38, 38)]
)
@SLOW_FOLDER
@given(data=st.data())
def test_costs_in_parquet_decimals_are_exact_or_refused(
    precision: int, scale: int, data: st.DataObject, tmp_path: Path
) -> None:
    units = data.draw(st.integers(-(10**precision) + 1, 10**precision - 1))
    amount = Decimal(units).scaleb(-scale, Context(prec=80))
    for kind in (pa.decimal128(precision, scale), pa.decimal256(precision, scale)):
        path = of_parquet(tmp_path, {"BilledCost": pa.array([amount], kind)})
        if to_twelve(amount).copy_abs() >= Decimal(10) ** 26:
            with pytest.raises(BadInput, match="column BilledCost"):
                read(path)
        else:
            assert read(path)[1][0]["billed_cost"] == to_twelve(amount)


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.int64(), pa.uint8(), pa.float16()], ids=str)
def test_costs_of_other_types_are_their_shortest_text(kind: pa.DataType, tmp_path: Path) -> None:
    value = pa.array([7 if pa.types.is_integer(kind) else 0.1], pa.float64()).cast(kind)
    _, (row,) = read(of_parquet(tmp_path, {"BilledCost": value}))
    assert (
        abs(row["billed_cost"] - Decimal("0.1")) < Decimal("1e-4")
        if kind == pa.float16()
        else row["billed_cost"] in (7, Decimal("0.1"))
    )


@pytest.mark.parametrize(
    "value", [pa.array([True]), pa.array([datetime(2026, 10, 1, tzinfo=UTC)]), pa.array([[1]])]
)
def test_cost_that_is_no_number_is_refused_by_row_and_column(value: pa.Array, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"file\.parquet: row 1, column BilledCost: not a number"):
        read(of_parquet(tmp_path, {"BilledCost": value}))


def test_sum_that_two_readers_find_differently_refuses_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rows' reader reads an amount as another one: as DuckDB did with decimals of more than 38 digits.
    monkeypatch.setattr(
        "ingestion.sources.focus.convert._number", lambda stated, kind, is_text: "25165824.0::decimal(38, 12)"
    )
    with pytest.raises(BadInput, match=r"file\.csv: two readers find another sum in USD"):
        read(of_csv(tmp_path, ROW))


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"USD": (Decimal(3), 2)}, "rows"),
        ({"USD": (Decimal(4), 1)}, "sum"),
        ({}, "rows"),
        ({"EUR": (Decimal(3), 1)}, "rows"),
    ],
)
def test_sums_are_compared_by_currency_with_their_rows(other: dict[str, tuple[Decimal, int]], what: str) -> None:
    ours = (Total("billed_cost", "USD", Decimal(3), 1),)
    check_sums(ours, {"USD": (Decimal("3.000"), 1)}, "a")
    with pytest.raises(BadInput, match=f"a: two readers find another {what}"):
        check_sums(ours, other, "a")


GOOGLE = {
    "ChargeCategory": pa.array(["usage"]),
    "ServiceCategory": pa.array([["GCP", "Compute", "GCE", "VMs On Demand"]]),
    "Tags": pa.array(
        [[{"key": "team", "value": "bi", "x_type": "label", "x_inherited": False, "x_namespace": "n/a"}]]
    ),
    "x_Credits": pa.array([[{"Name": "Sustained", "Amount": Decimal("-0.5")}]]),
    "x_CostType": pa.array(["regular"]),
    "x_CurrencyConversionRate": pa.array([Decimal("1.0")]),
}


def test_googles_view_is_known_by_its_header_and_read_as_focus(tmp_path: Path) -> None:
    found, (row,) = read(of_parquet(tmp_path, GOOGLE))
    assert found.remark == "read as Google's FOCUS view"
    assert (row["service_category"], row["tags"]) == ("Compute", '{"team": "bi"}')
    assert json.loads(row["extra"])["ServiceCategory"] == ["GCP", "Compute", "GCE", "VMs On Demand"]


def test_earlier_names_are_read_where_focus_own_is_absent(tmp_path: Path) -> None:
    oracle = {"Provider": "OCI", "Publisher": "Oracle", "Region": "us-ashburn-1", "InvoiceIssuer": "Oracle"}
    usage = {"UsageQuantity": "3", "UsageUnit": "Hours", "oci_ReferenceNumber": "r"}
    found, (row,) = read(of_csv(tmp_path, {**ROW, **oracle, **usage}))
    assert found.remark == "read as OCI's FOCUS report"
    columns = (
        "provider_name",
        "publisher_name",
        "region_id",
        "invoice_issuer_name",
        "consumed_quantity",
        "consumed_unit",
    )
    assert [row[name] for name in columns] == ["OCI", "Oracle", "us-ashburn-1", "Oracle", 3, "Hours"]
    assert json.loads(row["extra"]) == {"oci_ReferenceNumber": "r"}
    found, (row,) = read(of_csv(tmp_path, {"Provider": "draft", **ROW, "ProviderName": "final"}))
    assert (row["provider_name"], json.loads(row["extra"]), found.remark) == ("final", {"Provider": "draft"}, None)


def test_azures_words_for_unknown_are_absent_and_its_zero_prices_kept_beside(tmp_path: Path) -> None:
    azure = {
        "x_SkuMeterId": "m",
        "x_BillingProfileId": "p",
        "ListCost": "0",
        "ListUnitPrice": "0",
        "ContractedCost": "1.5",
    }
    found, (row,) = read(of_csv(tmp_path, {**ROW, **azure, "SubAccountId": "-2", "SubAccountName": "Unassigned"}))
    assert found.remark == "read as Azure's FOCUS export"
    assert [row[name] for name in ("list_cost", "list_unit_price", "sub_account_id", "sub_account_name")] == [
        None
    ] * 4
    assert row["contracted_cost"] == Decimal("1.5")
    assert json.loads(row["extra"]) | {"ListCost": "0", "ListUnitPrice": "0"} == json.loads(row["extra"])
    free = {**ROW, **azure, "EffectiveCost": "0"}
    assert read(of_csv(tmp_path, free))[1][0]["list_cost"] == 0


def test_delivery_note_has_the_dialect(tmp_path: Path) -> None:
    bills = tmp_path / "bills" / "2026-10"
    bills.mkdir(parents=True)
    of_parquet(bills, GOOGLE)
    of_csv(bills, ROW)
    home, window = Home(tmp_path / "home"), Window(Month(2026, 10), Month(2026, 11))
    land(home, SOURCE, FocusSettings((f"a={tmp_path / 'bills'}",)), window, datetime(2026, 11, 2, tzinfo=UTC))
    notes = home.lake / "raw_focus" / "deliveries" / "*.parquet"
    found = duckdb.sql(f"select state, message from read_parquet('{notes}')").fetchall()
    assert found == [("delivered", "read as Google's FOCUS view")]

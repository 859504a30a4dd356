"""A record that a vendor's bill has and that can't be read is set aside with its amount; all others of its slice land."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.errors import BadInput
from ingestion.lake.contract import Note, Part, Rows, Slice, VendorFile
from ingestion.lake.rejected import MOST, REJECTED_RECORDS, Rejected
from ingestion.settings import Month, Window
from ingestion.sources.atlas import SOURCE as ATLAS
from ingestion.sources.atlas.invoices import line_rows
from ingestion.sources.atlas.source import AtlasSettings
from ingestion.sources.focus.convert import Delivered, convert, months
from ingestion.sources.llm_providers import SOURCE as PROVIDERS
from ingestion.sources.llm_providers.cost_files import PROVIDER_COSTS, cost_rows
from ingestion.sources.llm_providers.source import ProviderSettings
from ingestion.sources.vercel import SOURCE as VERCEL
from ingestion.sources.vercel.source import VercelSettings
from sample_company.server import Request, Response, Route, json_response, serving

NOW = datetime(2026, 11, 2, 6, tzinfo=UTC)
OCTOBER = Window(Month(2026, 10), Month(2026, 10))
SECRET = "a word that nobody should read"
# What stands in the place of a number, a time or an object.
ODD = (SECRET, {SECRET: 1}, [SECRET], "NaN", "Infinity", 10**40, "0001-01-01T00:00:00Z", "\ud800")

Bill = list[Any]
# A bill's slice as a source reads it from an answer or a file that has these records.
Reading = Callable[[Bill, Path], list[Part]]


def read(slices: list[Slice], prefix: str) -> list[Part]:
    """The parts of the slices whose id begins so."""
    return [part for one in slices if one.id.startswith(prefix) for part in one.read()]


def vercel(bill: Bill, folder: Path) -> list[Part]:
    content = "\n".join(json.dumps(record) for record in bill).encode()
    with serving([Route("GET", "/v1/billing/charges", lambda request: Response(200, content))]) as url:
        return read(list(VERCEL.slices(VercelSettings("t", ("team",), url), OCTOBER, {}, NOW)), "charges|")


def atlas(bill: Bill, folder: Path) -> list[Part]:
    invoice = {"id": "i", "orgId": "o", "statusName": "PAID", "startDate": "2026-10-01T00:00:00Z"}
    routes = [
        Route("POST", "/api/oauth/token", lambda request: json_response({"access_token": "t"})),
        Route("GET", ".*/invoices", lambda request: json_response({"results": [invoice], "totalCount": 1})),
        Route("GET", ".*/invoices/i", lambda request: json_response({**invoice, "lineItems": bill})),
    ]
    with serving(routes) as url:
        return read(list(ATLAS.slices(AtlasSettings("o", "i", "s", base_url=url), OCTOBER, {}, NOW)), "invoice|")


def openai(bill: Bill, folder: Path) -> list[Part]:
    bucket = {"start_time": int(datetime(2026, 10, 3, tzinfo=UTC).timestamp()), "results": bill}

    def answer(request: Request) -> Response:
        data = [bucket] if request.path.endswith("/costs") else []
        return json_response({"data": data, "has_more": False})

    with serving([Route("GET", "/.*", answer)]) as url:
        provider = ProviderSettings("k", openai_base_url=url)
        return read(list(PROVIDERS.slices(provider, OCTOBER, {}, NOW)), "openai|costs|")


def anthropic(bill: Bill, folder: Path) -> list[Part]:
    bucket = {"starting_at": "2026-10-03T00:00:00Z", "ending_at": "2026-10-04T00:00:00Z", "results": bill}

    def answer(request: Request) -> Response:
        data = [bucket] if request.path.endswith("/organizations/cost_report") else []
        return json_response({"data": data, "has_more": False})

    with serving([Route("GET", "/.*", answer)]) as url:
        provider = ProviderSettings(anthropic_admin_key="k", anthropic_base_url=url)
        return read(list(PROVIDERS.slices(provider, OCTOBER, {}, NOW)), "anthropic|costs|")


def openrouter(bill: Bill, folder: Path) -> list[Part]:
    # The day decides which answer a row is in: a row of another date is no row of this answer.
    dated = [{**record, "date": "2026-10-20"} if isinstance(record, dict) else record for record in bill]

    def answer(request: Request) -> Response:
        return json_response({"data": dated if request.one("date") == "2026-10-20" else []})

    with serving([Route("GET", "/.*", answer)]) as url:
        provider = ProviderSettings(openrouter_management_key="k", openrouter_base_url=url)
        return read(list(PROVIDERS.slices(provider, OCTOBER, {}, NOW)), "openrouter|activity|2026-10-20")


def cost_file(bill: Bill, folder: Path) -> list[Part]:
    rejected = Rejected()
    content = "".join(json.dumps(record) + "\n" for record in bill).encode()
    rows = cost_rows("2026-10.jsonl", content, Month(2026, 10), rejected)
    return [Rows(PROVIDER_COSTS, rows), *rejected.parts()]


# A record as its vendor documents it, its field for the amount, and its fields that have a type.
BILLS: dict[str, tuple[Reading, dict[str, Any], str, tuple[str, ...]]] = {
    "vercel": (
        vercel,
        {
            "BilledCost": 1.25,
            "EffectiveCost": 1.25,
            "BillingCurrency": "USD",
            "ConsumedQuantity": 3,
            "ChargePeriodStart": "2026-10-03T07:00:00Z",
            "ChargePeriodEnd": "2026-10-04T07:00:00Z",
        },
        "BilledCost",
        ("BilledCost", "EffectiveCost", "ConsumedQuantity", "ChargePeriodStart", "ChargePeriodEnd"),
    ),
    "atlas": (
        atlas,
        {"sku": "S", "totalPriceCents": 125, "quantity": 2, "startDate": "2026-10-03T00:00:00Z"},
        "totalPriceCents",
        ("totalPriceCents", "quantity", "startDate"),
    ),
    "openai": (
        openai,
        {"amount": {"value": 1.25, "currency": "usd"}, "quantity": 2, "line_item": "l"},
        "amount",
        ("amount", "quantity"),
    ),
    "anthropic": (
        anthropic,
        {"amount": "125", "currency": "USD", "description": "d"},
        "amount",
        ("amount",),
    ),
    "openrouter": (
        openrouter,
        {"usage": 1.25, "model": "m", "requests": 2, "prompt_tokens": 5},
        "usage",
        ("usage", "requests", "prompt_tokens"),
    ),
    "cost file": (
        cost_file,
        {"day": "2026-10-03", "provider": "p", "amount": "1.25", "currency": "USD", "quantity": 2},
        "amount",
        ("day", "amount", "quantity"),
    ),
}


def landed(parts: list[Part]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The rows of a bill, and its records that are set aside."""
    rows, aside = [], []
    for part in parts:
        if isinstance(part, Rows):
            is_bill = any(measure.name == "billed_cost" for measure in part.table.measures)
            rows += part.records if is_bill else []
            aside += part.records if part.table is REJECTED_RECORDS else []
    return rows, aside


@pytest.mark.parametrize("name", BILLS)
def test_odd_record_of_a_bill_costs_itself(name: str, tmp_path: Path) -> None:
    reading, good, amount, typed = BILLS[name]
    for field in typed:
        for value in ODD:
            rows, aside = landed(reading([good, {**good, field: value}, good], tmp_path))
            if field == amount or aside:
                assert len(rows) == 2 and len(aside) == 1, (field, value)
                (record,) = aside
                assert "2" in record["place"] and record["reason"] and SECRET not in str(record)
                assert record.get("billed_cost") == (None if field == amount else Decimal("1.25")), (field, value)
            else:
                assert len(rows) == 3, "what is kept of it is in its place"
    for value in (SECRET, [1], None, 5):
        rows, aside = landed(reading([good, value, good], tmp_path))
        assert (len(rows), len(aside)) == (2, 1)


@pytest.mark.parametrize("name", BILLS)
@given(odd=st.lists(st.booleans(), min_size=2, max_size=6), value=st.sampled_from(ODD))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_lands_and_what_is_set_aside_is_the_bill(
    name: str, odd: list[bool], value: object, tmp_path: Path
) -> None:
    reading, good, amount, _ = BILLS[name]
    records = [{**good, amount: value} if is_odd else good for is_odd in odd]
    if all(odd):
        with pytest.raises(BadInput, match="no other record"):
            reading(records, tmp_path)
        return
    rows, aside = landed(reading(records, tmp_path))
    assert (len(rows), len(aside)) == (odd.count(False), odd.count(True))
    (column,) = (name for name in ("billed_cost", "amount", "total_price") if name in rows[0])
    assert sum(row[column] for row in rows) == Decimal("1.25") * odd.count(False)


@pytest.mark.parametrize("currency", [SECRET, "", None, 5, "US", "USDT", {SECRET: 1}])
@pytest.mark.parametrize("amount", ["1", "1e13", "NaN"])
def test_only_an_amount_in_a_currency_is_kept_of_a_record(currency: object, amount: str) -> None:
    rejected = Rejected()
    rejected.add("file, line 1", "no day", lambda: (Decimal(amount), currency))  # type: ignore[arg-type, return-value]
    rejected.add("file, line 2", "no day", lambda: (Decimal(amount), "USD"))
    first, second = rejected.records
    assert set(first) == {"place", "reason"}
    assert set(second) == {"place", "reason"} | ({"billed_cost", "billing_currency"} if amount == "1" else set())


def test_bill_of_which_too_much_can_not_be_read_is_refused(tmp_path: Path) -> None:
    reading, good, amount, *_ = BILLS["atlas"]
    with pytest.raises(BadInput, match=f"more than {MOST} records"):
        reading([good, *[{**good, amount: SECRET}] * (MOST + 1)], tmp_path)


def atlas_slices(known: dict[str, Note], *heads: Any) -> dict[str, Slice]:
    """The slices of an organization whose list of invoices has these headers, by id."""
    routes = [
        Route("POST", "/api/oauth/token", lambda request: json_response({"access_token": "t"})),
        Route("GET", ".*/invoices", lambda request: json_response({"results": heads, "totalCount": len(heads)})),
    ]
    with serving(routes) as url:
        return {
            one.id: one for one in ATLAS.slices(AtlasSettings("o", "i", "s", base_url=url), OCTOBER, known, NOW)
        }


def test_invoice_whose_header_can_not_be_read_costs_itself() -> None:
    good = {"id": "i", "statusName": "PAID", "startDate": "2026-10-01T00:00:00Z"}
    found = atlas_slices({}, good, {**good, "startDate": SECRET, "amountBilledCents": 500}, SECRET)
    _, aside = landed(list(found["invoices|o"].read()))
    assert [record["place"] for record in aside] == ["Atlas invoices, record 2", "Atlas invoices, record 3"]
    assert aside[0]["billed_cost"] == Decimal(5) and "invoice|o|i" in found


def test_invoice_whose_header_can_not_be_read_keeps_its_last_delivery() -> None:
    good = {"id": "a", "statusName": "PAID", "startDate": "2026-10-01T00:00:00Z"}
    known = {
        slice_id: Note(slice_id, "l", "d", "v", 1, NOW, "2026-10", None, None)
        for slice_id in ("invoice|o|a", "invoice|o|b", "invoice|o|gone")
    }
    odd = {**good, "id": "b", "startDate": None}
    assert "invoice|o|b" not in atlas_slices(known, good, odd) and "invoice|o|gone" in atlas_slices(
        known, good, odd
    )
    unnamed = atlas_slices(known, good, {**good, "id": None})
    assert {"invoice|o|b", "invoice|o|gone"}.isdisjoint(unnamed), "it may be any of them"


def test_credit_that_the_items_hold_counts_once_where_an_item_is_set_aside() -> None:
    items = [
        {"totalPriceCents": 8000},
        {"totalPriceCents": 2000, "quantity": SECRET},
        {"totalPriceCents": -5000},
    ]
    invoice = {"id": "i", "creditsCents": 5000, "amountBilledCents": 5000, "lineItems": items}
    rejected = Rejected()
    rows = line_rows(invoice, rejected=rejected)
    assert [row["total_price"] for row in rows] == [Decimal(80), Decimal(-50)]
    assert rejected.records[0]["billed_cost"] == Decimal(20)
    items[1] = {"totalPriceCents": SECRET}
    with pytest.raises(BadInput, match=r"line item 2: .* whether the items hold the credit"):
        line_rows(invoice)


def test_linked_invoice_is_read_whatever_the_paying_one_sets_aside() -> None:
    items = [{"totalPriceCents": 100}, {"totalPriceCents": SECRET}, {"sku": "S"}]
    linked = {"id": "b", "amountBilledCents": 700}
    rejected = Rejected()
    rows = line_rows({"id": "a", "lineItems": items, "linkedInvoices": [linked]}, rejected=rejected)
    assert [row["total_price"] for row in rows] == [Decimal(1), Decimal(7)] and len(rejected.records) == 2


def test_day_of_vercel_without_a_readable_charge_keeps_its_last_delivery(tmp_path: Path) -> None:
    good = BILLS["vercel"][1]
    days = [
        {
            **good,
            "ChargePeriodStart": f"2026-10-{day:02d}T07:00:00Z",
            "ChargePeriodEnd": f"2026-10-{day + 1:02d}T07:00:00Z",
        }
        for day in (3, 4, 5)
    ]
    content = "\n".join(
        json.dumps(record) for record in (days[0], {**days[1], "BilledCost": None}, days[2])
    ).encode()
    with serving([Route("GET", "/v1/billing/charges", lambda request: Response(200, content))]) as url:
        found = {one.id: one for one in VERCEL.slices(VercelSettings("t", ("team",), url), OCTOBER, {}, NOW)}
        assert len(landed(list(found["charges|team|2026-10-03"].read()))[0]) == 1
        with pytest.raises(BadInput, match="no BilledCost; no other record"):
            found["charges|team|2026-10-04"].read()


def test_cost_file_of_csv_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    content = "day,provider,amount,currency\n" + "2026-10-03,p,10.00,USD\n" * 30
    with pytest.raises(BadInput, match="not as many fields as the header has"):
        cost_rows("2026-10.csv", content[: len(content) // 2].encode(), Month(2026, 10), Rejected())


# FOCUS files

ROW = {
    "BilledCost": "1.25",
    "EffectiveCost": "1.25",
    "ListCost": "2",
    "BillingCurrency": "USD",
    "BillingAccountId": "a",
    "ConsumedQuantity": "3",
    "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "ChargeCategory": "Usage",
    "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z",
}


def focus_file(folder: Path, *rows: dict[str, str]) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(ROW))
    writer.writeheader()
    writer.writerows(rows)
    path = folder / "file.csv"
    path.write_text(text.getvalue())
    return path


def converted(path: Path, month: str | None = None) -> tuple[VendorFile, list[dict[str, Any]]]:
    rejected = Rejected()
    delivered = Delivered("a", False)
    return convert(path, "bills/file.csv", path.with_suffix(".out"), delivered, month, rejected), rejected.records


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("EffectiveCost", "much"),
        ("ListCost", "1e30"),
        ("ConsumedQuantity", "1e22"),
        ("ConsumedQuantity", "three"),
        ("ChargePeriodStart", "yesterday"),
        ("ChargePeriodStart", ""),
        ("ChargePeriodEnd", "0001-01-01T00:00:00Z"),
        ("ChargePeriodEnd", "9999-12-31T00:00:00Z"),
    ],
)
def test_odd_row_of_a_focus_file_is_set_aside_with_its_amount(tmp_path: Path, column: str, value: str) -> None:
    path = focus_file(tmp_path, ROW, ROW | {"BilledCost": "5", column: value}, ROW | {"BillingCurrency": "EUR"})
    for month in (None, "2026-10"):
        file, (record,) = converted(path, month)
        assert {total.currency: total.amount for total in file.totals} == {
            "USD": Decimal("1.25"),
            "EUR": Decimal("1.25"),
        }
        assert record["place"] == "bills/file.csv: row 2" and column in record["reason"]
        assert (record["billed_cost"], record["billing_currency"]) == (Decimal(5), "USD")
    assert months(path, "bills/file.csv") == ["2026-10"]
    assert not converted(path, "2026-09")[1], "it is set aside with the month that it is of"


def test_row_in_no_currency_of_iso_4217_is_set_aside_without_its_amount(tmp_path: Path) -> None:
    odd = ROW | {"BillingCurrency": "Credits", "ChargePeriodEnd": "later"}
    file, (record,) = converted(focus_file(tmp_path, ROW, odd))
    assert (file.row_count, "billed_cost" in record) == (1, False)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("BilledCost", "much"),
        ("BillingCurrency", ""),
        ("BillingPeriodStart", "October"),
        ("EffectiveCost", "1,5"),
        ("ChargePeriodStart", "13.10.2026"),
    ],
)
def test_focus_file_whose_total_is_not_to_be_trusted_is_refused(tmp_path: Path, column: str, value: str) -> None:
    with pytest.raises(BadInput, match=f"bills/file.csv: row 2, column {column}: "):
        converted(focus_file(tmp_path, ROW, ROW | {column: value}, ROW))


def test_decimal_comma_of_one_month_refuses_the_others_of_its_file(tmp_path: Path) -> None:
    """`1,234` may be a thousand of a file that writes `0,5` elsewhere."""
    october = ROW | {"BilledCost": "0", "EffectiveCost": "1,234"}
    november = ROW | {"BillingPeriodStart": "2026-11-01T00:00:00Z", "EffectiveCost": "0,5"}
    path = focus_file(tmp_path, october, november)
    for month in ("2026-10", "2026-11"):
        with pytest.raises(BadInput, match="row 2, column EffectiveCost: not a number, it has a decimal comma"):
            converted(path, month)
    with pytest.raises(BadInput, match="it has a decimal comma"):
        months(path, "bills/file.csv")


def test_amount_that_is_only_compared_is_not_listed(tmp_path: Path) -> None:
    rejected = Rejected()
    path = focus_file(tmp_path, ROW, ROW | {"ChargePeriodEnd": "later"})
    convert(path, "f", path.with_suffix(".out"), Delivered("a", True), None, rejected)
    assert [set(record) for record in rejected.records] == [{"place", "reason"}]


def test_focus_file_of_which_no_row_can_be_read_is_refused(tmp_path: Path) -> None:
    odd = ROW | {"ChargePeriodEnd": "later"}
    with pytest.raises(BadInput, match="no other record"):
        converted(focus_file(tmp_path, odd, odd))


def test_odd_row_that_the_answers_of_two_months_have_is_listed_once() -> None:
    """Vercel may answer with a day beyond those that were asked for: it counts with its own month."""
    good = BILLS["vercel"][1]
    odd = {**good, "BilledCost": 5, "ConsumedQuantity": "many"}
    september = {**good, "ChargePeriodStart": "2026-09-03T07:00:00Z", "ChargePeriodEnd": "2026-09-04T07:00:00Z"}

    def answer(request: Request) -> Response:
        of_month = september if request.one("from").startswith("2026-09") else good
        return Response(200, "\n".join(map(json.dumps, (of_month, good, odd))).encode())

    months = Window(Month(2026, 9), Month(2026, 10))
    with serving([Route("GET", "/v1/billing/charges", answer)]) as url:
        parts = read(list(VERCEL.slices(VercelSettings("t", ("team",), url), months, {}, NOW)), "charges|")
    rows, aside = landed(parts)
    assert [row["billed_cost"] for row in rows] == [Decimal("1.25")] * 3
    assert [(record["billed_cost"], "record 3" in record["place"]) for record in aside] == [(Decimal(5), True)]


@pytest.mark.parametrize(
    "odd", [{"model_breakdown": [{"model": "m"}, {"tokens": "many"}]}, {"core_metrics": SECRET}]
)
def test_record_of_claude_code_lands_with_its_models_or_not_at_all(odd: dict[str, Any]) -> None:
    good = {
        "date": "2026-10-03T00:00:00Z",
        "actor": {"type": "api_actor", "api_key_name": "k"},
        "core_metrics": {"num_sessions": 1},
        "model_breakdown": [{"model": "claude-sonnet-4-5", "tokens": {"input": 5}}],
    }

    def answer(request: Request) -> Response:
        is_asked = request.path.endswith("/usage_report/claude_code")
        return json_response({"data": [good, {**good, **odd}] if is_asked else [], "has_more": False})

    with serving([Route("GET", "/.*", answer)]) as url:
        provider = ProviderSettings(anthropic_admin_key="k", anthropic_base_url=url)
        day = "anthropic|claude_code|2026-10-03"
        parts = read(list(PROVIDERS.slices(provider, OCTOBER, {}, NOW)), day)
    rows = {part.table.name: part.records for part in parts if isinstance(part, Rows)}
    assert len(rows["anthropic_claude_code"]) == 1
    assert [row["model"] for row in rows["anthropic_claude_code_models"]] == ["claude-sonnet-4-5"]
    (record,) = rows[REJECTED_RECORDS.name]
    assert SECRET not in str(record)

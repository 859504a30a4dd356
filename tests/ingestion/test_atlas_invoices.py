"""What a paying organization is billed: linked invoices, their totals, payments in another currency."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ingestion.errors import BadInput
from ingestion.lake.contract import Remark, Stated
from ingestion.settings import Month, Window
from ingestion.sources.atlas.invoices import invoice_rows, line_rows, stated_total
from ingestion.sources.atlas.shape import LINE_ITEMS, payment_remark, payment_rows
from ingestion.sources.atlas.source import SOURCE, AtlasSettings
from sample_company.server import Request, Response, Route, json_response, serving
from tests.ingestion.test_vendors import NOW

Invoice = dict[str, Any]


def invoice(name: str, *cents: int, **fields: Any) -> Invoice:
    """A paid invoice of October with items of these prices."""
    items = [{"sku": f"S{nth}", "groupId": name, "totalPriceCents": price} for nth, price in enumerate(cents)]
    return {
        "id": name,
        "orgId": f"org-{name}",
        "statusName": "PAID",
        "startDate": "2026-10-01T00:00:00Z",
        "endDate": "2026-11-01T00:00:00Z",
        "lineItems": items,
        **fields,
    }


def total(found: Invoice, apart: frozenset[str] = frozenset()) -> Decimal:
    return sum((row["total_price"] for row in line_rows(found, apart=apart)), Decimal(0))


@pytest.mark.parametrize("billed", [1000, 4500], ids=["of its own items", "of all that it pays"])
def test_paying_organization_has_the_lines_of_linked_invoices(billed: int) -> None:
    found = invoice(
        "a", 1000, amountBilledCents=billed, linkedInvoices=[invoice("b", 3000, 500, amountBilledCents=3500)]
    )
    rows = line_rows(found)
    assert [(row["invoice_id"], row["org_id"], row["line_number"], row["total_price"]) for row in rows] == [
        ("a", "org-a", 1, Decimal(10)),
        ("b", "org-b", 2, Decimal(30)),
        ("b", "org-b", 3, Decimal(5)),
    ]
    assert stated_total(found) == Decimal(45)
    assert [(row["invoice_id"], row.get("linked_to")) for row in invoice_rows(found)] == [("a", None), ("b", "a")]


def test_linked_invoices_amounts_of_its_own_are_lines_too() -> None:
    linked = invoice("b", 3000, creditsCents=500, salesTaxCents=100, amountBilledCents=2600)
    found = invoice("a", 1000, amountBilledCents=3600, linkedInvoices=[linked])
    assert total(found) == stated_total(found) == Decimal(36)


def test_linked_invoice_without_items_is_one_line() -> None:
    linked = invoice("b", amountBilledCents=3500, creditsCents=200)
    del linked["lineItems"]
    found = invoice("a", 1000, amountBilledCents=4500, linkedInvoices=[linked])
    assert [(row["kind"], row["total_price"]) for row in line_rows(found)][1:] == [("linked_invoice", Decimal(35))]
    assert stated_total(found) == Decimal(45)


def test_linked_invoice_counts_once_where_its_items_are_the_payers_or_it_is_listed_itself() -> None:
    linked = invoice("b", 3500, amountBilledCents=3500)
    inside = invoice("a", 1000, amountBilledCents=4500, linkedInvoices=[linked])
    inside["lineItems"] += linked["lineItems"]
    assert total(inside) == stated_total(inside) == Decimal(45)
    listed = invoice("a", 1000, amountBilledCents=1000, linkedInvoices=[linked])
    apart = frozenset({"b"})
    assert total(listed, apart) == stated_total(listed, apart=apart) == Decimal(10)


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ({"amountBilledCents": 1000}, 10),
        ({"amountBilledCents": 1300}, 13),
        # A refund comes later: the total may hold it or not.
        ({"amountBilledCents": 1000, "refunds": [{"amountCents": 200}]}, 8),
        ({"amountBilledCents": 800, "refunds": [{"amountCents": 200}]}, 8),
        ({"amountBilledCents": 0, "statusName": "FORGIVEN"}, 0),
        ({"amountBilledCents": 1300, "statusName": "PENDING"}, None),
        ({}, None),
    ],
)
def test_total_that_the_lines_do_not_come_to_is_stated_as_it_is(fields: Invoice, stated: int | None) -> None:
    assert stated_total(invoice("a", 1000, **fields)) == (None if stated is None else Decimal(stated))


def test_invoices_that_are_linked_without_end_are_refused() -> None:
    found = invoice("e", 5)
    for nth, name in enumerate("dcba"):
        found = invoice(name, nth, linkedInvoices=[found])
    with pytest.raises(BadInput, match="more than 3 deep"):
        line_rows(found)


def test_currency_is_read_of_invoices_and_payments() -> None:
    payment = {"id": "p", "currency": "eur", "unitPrice": "0.9275", "amountBilledCents": 1000, "salesTaxCents": 0}
    found = invoice("a", 1000, payments=[payment])
    rows = payment_rows(found)
    assert [(row["currency"], row["unit_price"], row["amount_billed"]) for row in rows] == [
        ("EUR", Decimal("0.9275"), Decimal(10))
    ]
    assert payment_remark(found, rows) == "billed in USD and paid in EUR at 0.9275"
    named = invoice("a", 1000, currency="eur", payments=[payment])
    assert {row["currency"] for row in line_rows(named)} == {"EUR"}
    assert payment_remark(named, payment_rows(named)) is None


def test_slice_of_an_invoice_brings_its_stated_total_and_how_it_was_paid() -> None:
    payment = {"id": "p", "currency": "EUR", "unitPrice": "0.5"}
    linked = invoice("b", 3500, amountBilledCents=3500)
    found = invoice("a", 1000, amountBilledCents=4600, linkedInvoices=[linked], payments=[payment])

    def listed(request: Request) -> Response:
        heads = [{name: value for name, value in found.items() if name not in ("lineItems", "payments")}]
        return json_response({"results": heads, "totalCount": 1})

    routes = [
        Route("POST", "/api/oauth/token", lambda request: json_response({"access_token": "t"})),
        Route("GET", "/api/atlas/v2/orgs/o/invoices", listed),
        Route("GET", "/api/atlas/v2/orgs/o/invoices/a", lambda request: json_response(found)),
    ]
    with serving(routes) as base:
        window = Window(Month(2026, 10), Month(2026, 10))
        first = next(
            iter(SOURCE.slices(AtlasSettings("o", "i", "s", base_url=base, focus_report=False), window, {}, NOW))
        )
        parts = list(first.read())
    assert [part for part in parts if isinstance(part, Stated | Remark)] == [
        Stated(LINE_ITEMS, "USD", Decimal(46)),
        Remark("billed in USD and paid in EUR at 0.5"),
    ]


def test_linked_invoice_counts_once() -> None:
    linked = invoice("b", 500, amountBilledCents=500)
    paying = invoice("a", 1000, amountBilledCents=1500, linkedInvoices=[linked, linked, {**linked, "id": "a"}])
    assert [row["total_price"] for row in line_rows(paying)] == [Decimal(10), Decimal(5)]
    assert [row["invoice_id"] for row in invoice_rows(paying)] == ["a", "b"]
    assert stated_total(paying) == Decimal(15)

"""An invoice with those that are linked to it: all that a paying organization is billed, and what Atlas states of it.

A paying organization's invoice has the invoices of the organizations that are linked to it in `linkedInvoices`, each with
its own items and totals (Atlas Admin API v2, `BillingInvoice`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.records import record
from ingestion.lake.rejected import Rejected
from ingestion.sources.atlas.client import PENDING
from ingestion.sources.atlas.shape import cents, identifier, invoice_row, objects, own_rows

# Atlas links one level.
DEEPEST = 3
# What a linked invoice leaves out is the same as in the one above.
OF_THE_MONTH = ("statusName", "startDate", "endDate", "currency")


def invoice_rows(
    invoice: dict[str, Any], where: str = "Atlas invoice", apart: frozenset[str] = frozenset()
) -> list[dict[str, Any]]:
    """The invoice and those linked to it as rows, but for those that are slices of their own (`apart`)."""
    paying = invoice.get("id")
    found = [invoice_row(invoice, where)]
    for linked, place in _linked(invoice, where, apart):
        found.append({**invoice_row(linked, place), "linked_to": str(paying)})
    return found


def _linked(
    invoice: dict[str, Any], where: str, apart: frozenset[str], depth: int = 1, seen: set[str] | None = None
) -> Iterator[tuple[dict[str, Any], str]]:
    """The invoices that are linked to one, whose lines it has not itself: each once, with its place."""
    seen = {str(invoice.get("id"))} if seen is None else seen
    own = Counter(_identity(item) for item in objects(invoice, "lineItems", where) if isinstance(item, dict))
    for number, value in enumerate(objects(invoice, "linkedInvoices", where), start=1):
        place = f"{where}, linked invoice {number}"
        if depth > DEEPEST:
            raise BadInput(f"{place}: invoices are linked more than {DEEPEST} deep")
        linked = record(value, place)
        items = Counter(_identity(item) for item in objects(linked, "lineItems", place) if isinstance(item, dict))
        is_inside = bool(items) and items <= own
        name = str(identifier(linked, place))
        if name in apart or name in seen or is_inside:
            continue
        seen.add(name)
        linked = {**{field: invoice.get(field) for field in OF_THE_MONTH}, **linked}
        yield linked, place
        yield from _linked(linked, place, apart, depth + 1, seen)


def _identity(item: dict[str, Any]) -> tuple[str, ...]:
    """A line item by what it is of: Atlas gives it no id."""
    names = ("sku", "groupId", "clusterName", "startDate", "endDate", "quantity", "totalPriceCents")
    return tuple(str(item.get(name)) for name in names)


def line_rows(
    invoice: dict[str, Any],
    where: str = "Atlas invoice",
    apart: frozenset[str] = frozenset(),
    rejected: Rejected | None = None,
) -> list[dict[str, Any]]:
    """The lines of the invoice and of those linked to it, so that all that is billed is in one table.

    An invoice's own amounts are lines too. A linked invoice that is a slice of its own (`apart`) or whose items the
    invoice has itself is left out. A line that lacks its price, or has a value that can't be read, is set aside in
    `rejected`. Raises BadInput, with `where`, for what of an invoice is no line.
    """
    rejected = Rejected() if rejected is None else rejected
    rows = own_rows(invoice, where, rejected)
    for linked, place in _linked(invoice, where, apart):
        rows += own_rows(linked, place, rejected, is_linked=True)
    return [{**row, "line_number": number} for number, row in enumerate(rows, start=1)]


def stated_total(
    invoice: dict[str, Any], where: str = "Atlas invoice", apart: frozenset[str] = frozenset()
) -> Decimal | None:
    """What the lines of the invoice and of those linked to it come to by the invoices' own totals; None while pending.

    `amountBilledCents` may hold the linked invoices or not, and refunds, which come later, or not: a reading of it that
    the lines come to is theirs. Otherwise the nearest one stands, and differs from the lines.
    """
    if invoice.get("statusName") == PENDING or invoice.get("amountBilledCents") is None:
        return None
    linked = [
        (found, place, own_rows(found, place, Rejected(), is_linked=True))
        for found, place in _linked(invoice, where, apart)
    ]
    below = sum((_sum(rows) for *_, rows in linked), Decimal(0))
    stated = _stated(invoice, where, own_rows(invoice, where, Rejected()), below)
    return stated + sum((_stated(found, place, rows) for found, place, rows in linked), Decimal(0))


def _stated(
    invoice: dict[str, Any], where: str, rows: list[dict[str, Any]], below: Decimal = Decimal(0)
) -> Decimal:
    """An invoice's own lines as its total has them; `below` are those of the invoices linked to it."""
    own = _sum(rows)
    billed = cents(invoice.get("amountBilledCents"), f"{where}, amountBilledCents")
    if billed is None or invoice.get("statusName") == PENDING:
        return own
    refunded = -_sum([row for row in rows if row["kind"] == "refund"])
    differences = [billed - own - more - part for more in (Decimal(0), refunded) for part in (Decimal(0), below)]
    return own + min(differences, key=abs)


def _sum(rows: list[dict[str, Any]]) -> Decimal:
    return sum((row["total_price"] for row in rows), Decimal(0))

"""Atlas's raw tables, and how its records become rows. Cents become currency by shifting two places, exactly."""

from __future__ import annotations

import json as jsonlib
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from ingestion.columns import Measure, Table, integer, json, money, number, rest, text, timestamp
from ingestion.errors import BadInput

_EXTRA = json("extra", "fields that are not known by name")

INVOICES = Table(
    "invoices",
    "One row an invoice.",
    (
        text("invoice_id", "id"),
        text("org_id", "organization"),
        text("status", "statusName: PENDING, CLOSED, PAID …"),
        timestamp("start_date", "startDate"),
        timestamp("end_date", "endDate"),
        timestamp("created", "created"),
        timestamp("updated", "updated"),
        money("subtotal", "subtotalCents ÷ 100: sum of the positive items"),
        money("credits", "creditsCents ÷ 100"),
        money("sales_tax", "salesTaxCents ÷ 100"),
        money("amount_billed", "amountBilledCents ÷ 100"),
        money("amount_paid", "amountPaidCents ÷ 100"),
        text("currency", "USD: Atlas invoices in it"),
        _EXTRA,
    ),
)
LINE_ITEMS = Table(
    "invoice_line_items",
    "One row a line item of an invoice, or one of the invoice's own amounts (credits, sales tax, refunds).",
    (
        text("invoice_id", "invoice"),
        text("org_id", "organization"),
        text("invoice_status", "the invoice's status"),
        timestamp("invoice_start", "the invoice's first instant"),
        timestamp("invoice_end", "the first instant after it"),
        text("kind", "line_item, credit, sales_tax or refund"),
        integer("line_number", "position in the invoice, from 1"),
        text("sku", "SKU"),
        text("group_id", "project"),
        text("group_name", "project's name"),
        text("cluster_name", "cluster"),
        text("cloud_provider", "AWS, GCP, AZURE or ATLAS"),
        timestamp("start_date", "start of the usage"),
        timestamp("end_date", "end of the usage, exclusive"),
        timestamp("created", "when it was posted"),
        number("quantity", "quantity"),
        text("unit", "unit"),
        number("unit_price", "unitPriceDollars"),
        money("total_price", "totalPriceCents ÷ 100: what is billed; items below a cent round to 0"),
        money("discount", "discountCents ÷ 100"),
        number("percent_discount", "percentDiscount"),
        text("note", "note"),
        text("currency", "USD"),
        json("tags", "tags: key to list of values"),
        _EXTRA,
    ),
    measures=(Measure("billed_cost", "total_price", "currency"),),
    charge_end="start_date",  # fees and tax end with the month: their end would make a stale source look fresh
)
PROJECTS = Table(
    "projects",
    "One row a project that exists.",
    (
        text("project_id", "id"),
        text("name", "name"),
        text("org_id", "organization"),
        timestamp("created", "created"),
        json("tags", "tags: list of key and value"),
        _EXTRA,
    ),
)
CLUSTERS = Table(
    "clusters",
    "One row a cluster that exists; deleted ones stay known from earlier deliveries and from line items.",
    (
        text("cluster_id", "id"),
        text("name", "name"),
        text("project_id", "project"),
        timestamp("created", "createDate"),
        json("tags", "tags: list of key and value"),
        _EXTRA,
    ),
)
TABLES = (INVOICES, LINE_ITEMS, PROJECTS, CLUSTERS)

_INVOICE = {
    "id", "orgId", "statusName", "startDate", "endDate", "created", "updated", "subtotalCents", "creditsCents",
    "salesTaxCents", "amountBilledCents", "amountPaidCents", "lineItems",
}  # fmt: skip
_ITEM = {
    "sku", "groupId", "groupName", "clusterName", "cloudProvider", "startDate", "endDate", "created", "quantity",
    "unit", "unitPriceDollars", "totalPriceCents", "discountCents", "percentDiscount", "note", "tags",
}  # fmt: skip


# Atlas fills what it has nothing to say of with these.
_ABSENT: tuple[Any, ...] = (None, [], {})


def _moment(value: Any, where: str) -> datetime | None:
    if not value:
        return None
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError as error:
        raise BadInput(f"{where}: {value!r} is not a time") from error


def _cents(value: Any, where: str) -> Decimal | None:
    exact = _number(value, where)
    return None if exact is None else exact.scaleb(-2)


def _number(value: Any, where: str) -> Decimal | None:
    if value is None:
        return None
    try:
        return round(Decimal(str(value)), 12)
    except InvalidOperation as error:
        raise BadInput(f"{where}: {value!r} is not a number") from error


def invoice_row(record: dict[str, Any]) -> dict[str, Any]:
    where = f"Atlas invoice {record.get('id')}"
    return {
        "invoice_id": record["id"],
        "org_id": record.get("orgId"),
        "status": record.get("statusName"),
        "start_date": _moment(record.get("startDate"), where),
        "end_date": _moment(record.get("endDate"), where),
        "created": _moment(record.get("created"), where),
        "updated": _moment(record.get("updated"), where),
        "subtotal": _cents(record.get("subtotalCents"), where),
        "credits": _cents(record.get("creditsCents"), where),
        "sales_tax": _cents(record.get("salesTaxCents"), where),
        "amount_billed": _cents(record.get("amountBilledCents"), where),
        "amount_paid": _cents(record.get("amountPaidCents"), where),
        "currency": "USD",
        "extra": rest(record, _INVOICE, _ABSENT),
    }


def _line(invoice: dict[str, Any], where: str) -> dict[str, Any]:
    return {
        "invoice_id": invoice["id"],
        "org_id": invoice.get("orgId"),
        "invoice_status": invoice.get("statusName"),
        "invoice_start": _moment(invoice.get("startDate"), where),
        "invoice_end": _moment(invoice.get("endDate"), where),
        "currency": "USD",
    }


def line_rows(invoice: dict[str, Any]) -> list[dict[str, Any]]:
    """The invoice's line items, and its own amounts as lines, so that all that is billed is in one table.

    Raises BadInput, with invoice and line, where an item lacks its price.
    """
    rows = []
    for position, item in enumerate(invoice.get("lineItems") or [], start=1):
        where = f"Atlas invoice {invoice['id']}, line item {position}"
        if item.get("totalPriceCents") is None:
            raise BadInput(f"{where}: no totalPriceCents")
        rows.append(
            {
                **_line(invoice, where),
                "kind": "line_item",
                "line_number": position,
                "sku": item.get("sku"),
                "group_id": item.get("groupId"),
                "group_name": item.get("groupName"),
                "cluster_name": item.get("clusterName"),
                "cloud_provider": item.get("cloudProvider"),
                "start_date": _moment(item.get("startDate"), where),
                "end_date": _moment(item.get("endDate"), where),
                "created": _moment(item.get("created"), where),
                "quantity": _number(item.get("quantity"), where),
                "unit": item.get("unit"),
                "unit_price": _number(item.get("unitPriceDollars"), where),
                "total_price": _cents(item["totalPriceCents"], where),
                "discount": _cents(item.get("discountCents"), where),
                "percent_discount": _number(item.get("percentDiscount"), where),
                "note": item.get("note"),
                "tags": jsonlib.dumps(item.get("tags") or {}, sort_keys=True),
                "extra": rest(item, _ITEM, _ABSENT),
            }
        )
    where = f"Atlas invoice {invoice['id']}"
    own = [("credit", -(_cents(invoice.get("creditsCents"), where) or 0))]
    own.append(("sales_tax", _cents(invoice.get("salesTaxCents"), where) or Decimal(0)))
    own += [
        ("refund", -(_cents(refund.get("amountCents"), where) or 0)) for refund in invoice.get("refunds") or []
    ]
    for position, (kind, amount) in enumerate(own, start=len(rows) + 1):
        if amount:
            line = _line(invoice, where)
            rows.append(
                {
                    **line,
                    "kind": kind,
                    "line_number": position,
                    "start_date": line["invoice_start"],
                    "end_date": line["invoice_end"],
                    "total_price": Decimal(amount),
                    "tags": "{}",
                }
            )
    return rows


def project_row(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "project_id": record["id"],
        "name": record.get("name"),
        "org_id": record.get("orgId"),
        "created": _moment(record.get("created"), "Atlas project"),
        "tags": jsonlib.dumps(record.get("tags") or []),
        "extra": rest(record, {"id", "name", "orgId", "created", "tags", "links"}, _ABSENT),
    }


def cluster_row(record: dict[str, Any], project_id: str) -> dict[str, Any]:
    return {
        "cluster_id": record.get("id"),
        "name": record["name"],
        "project_id": project_id,
        "created": _moment(record.get("createDate"), "Atlas cluster"),
        "tags": jsonlib.dumps(record.get("tags") or []),
        "extra": rest(record, {"id", "name", "groupId", "createDate", "tags", "links"}, _ABSENT),
    }

"""Atlas's raw tables, and how its records become rows. Cents become currency by shifting two places, exactly."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from ingestion.errors import BadInput
from ingestion.lake.columns import Measure, Table, boolean, integer, json, money, number, rest, text, timestamp
from ingestion.lake.contract import ClaimKind, Evidence
from ingestion.lake.people import without_addresses
from ingestion.lake.records import exact, moment, record, typed
from ingestion.lake.rejected import SHAPES, Money, Rejected
from ingestion.lake.tags import tags_of

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
        money("starting_balance", "startingBalanceCents ÷ 100: what was owed before; part of no line"),
        text(
            "currency",
            "the invoice's currency; USD where it names none, because Atlas documents cents of US dollars",
        ),
        text("linked_to", "of a linked organization's invoice: the invoice of the organization that pays"),
        _EXTRA,
    ),
)
PAYMENTS = Table(
    "payments",
    "One row a payment of an invoice. Amounts are in the invoice's currency, whatever was paid in.",
    (
        text("payment_id", "id"),
        text("invoice_id", "invoice"),
        text("status", "statusName"),
        text("currency", "currency: in which it was paid"),
        number("unit_price", "unitPrice: what amount_billed is multiplied by to be in the payment's currency"),
        money("amount_billed", "amountBilledCents ÷ 100"),
        money("amount_paid", "amountPaidCents ÷ 100"),
        money("sales_tax", "salesTaxCents ÷ 100"),
        money("subtotal", "subtotalCents ÷ 100"),
        timestamp("created", "created"),
        timestamp("updated", "updated"),
        _EXTRA,
    ),
)
LINE_ITEMS = Table(
    "invoice_line_items",
    "One row a line item of an invoice or of one linked to it, or one of an invoice's own amounts (credits, tax, refunds).",
    (
        text("invoice_id", "invoice; of a linked organization its own"),
        text("org_id", "organization that used it; of a linked invoice not the one that pays"),
        text("invoice_status", "the invoice's status"),
        timestamp("invoice_start", "the invoice's first instant"),
        timestamp("invoice_end", "the first instant after it"),
        text("kind", "line_item, credit, sales_tax, refund, or linked_invoice: one without items, as a whole"),
        integer("line_number", "position in the invoice with all that are linked to it, from 1"),
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
        text("currency", "the invoice's"),
        json("tags", "tags: key to list of values"),
        _EXTRA,
    ),
    measures=(Measure("billed_cost", "total_price", "currency"),),
    charge_end="start_date",  # fees and tax end with the month: their end would make a stale source look fresh
)
# Of projects and clusters only what is named here lands.
PROJECTS = Table(
    "projects",
    "One row a project that exists; deleted ones stay known from earlier deliveries and from line items.",
    (
        text("project_id", "id"),
        text("name", "name"),
        text("org_id", "organization"),
        timestamp("created", "created"),
        json("tags", "tags: key to value"),
        boolean(
            "has_teams",
            "whether the teams could be read with the projects: where not, a project without one may have one",
        ),
    ),
    versioned=True,
)
PROJECT_TEAMS = Table(
    "project_teams",
    "One row a team that has a role in a project.",
    (
        text("project_id", "project"),
        text("team_id", "teamId"),
        text("team_name", "name of the team in the organization's list of teams"),
        json("roles", "roleNames: list of the team's roles in the project"),
        integer("team_project_count", "how many of the organization's projects the team has a role in"),
    ),
    versioned=True,
)
CLUSTERS = Table(
    "clusters",
    "One row a cluster that exists; deleted ones stay known from earlier deliveries and from line items.",
    (
        text("cluster_id", "id"),
        text("name", "name"),
        text("project_id", "project"),
        timestamp("created", "createDate"),
        json("tags", "tags: key to value"),
    ),
    versioned=True,
)
CLAIM_KINDS = (
    ClaimKind("atlas_project", Evidence.PROVIDER_ACCOUNT, "Atlas project (group) id"),
    ClaimKind("atlas_organization", Evidence.PROVIDER_ACCOUNT, "Atlas organization: what belongs to no project"),
    ClaimKind("atlas_cluster", Evidence.PROVIDER_ACCOUNT, "Atlas cluster as project id and name"),
    ClaimKind(
        "atlas_database", Evidence.PROVIDER_ACCOUNT, "Database of an Atlas cluster as project id, cluster and name"
    ),
    ClaimKind("atlas_application", Evidence.TAG, "appName by which an application connects to an Atlas cluster"),
    ClaimKind("atlas_tag", Evidence.TAG, "Atlas cluster or project tag; the key follows the colon", keys="tag"),
    ClaimKind("atlas_team", Evidence.TAG, "Team that owns the Atlas project: the one with the fewest projects"),
    ClaimKind("atlas_cluster_name", Evidence.NAME_PATTERN, "Name of the Atlas cluster"),
)

_INVOICE = {
    "id", "orgId", "statusName", "startDate", "endDate", "created", "updated", "subtotalCents", "creditsCents",
    "salesTaxCents", "amountBilledCents", "amountPaidCents", "startingBalanceCents", "currency", "lineItems",
    "linkedInvoices", "payments",
}  # fmt: skip
_PAYMENT = {
    "id", "statusName", "currency", "unitPrice", "amountBilledCents", "amountPaidCents", "salesTaxCents",
    "subtotalCents", "created", "updated",
}  # fmt: skip
_ITEM = {
    "sku", "groupId", "groupName", "clusterName", "cloudProvider", "startDate", "endDate", "created", "quantity",
    "unit", "unitPriceDollars", "totalPriceCents", "discountCents", "percentDiscount", "note", "tags",
}  # fmt: skip


# Columns of a line item that take a field as it is.
_ITEM_FIELDS = {
    "sku": "sku",
    "group_id": "groupId",
    "group_name": "groupName",
    "cluster_name": "clusterName",
    "cloud_provider": "cloudProvider",
    "quantity": "quantity",
    "unit": "unit",
    "unit_price": "unitPriceDollars",
    "percent_discount": "percentDiscount",
    "note": "note",
}

# Atlas fills fields without a value with these.
_ABSENT: tuple[Any, ...] = (None, [], {})


def _moment(value: Any, where: str) -> datetime | None:
    return moment(value, where) if value else None


def cents(value: Any, where: str) -> Decimal | None:
    return None if value is None else exact(value, where, -2)


def identifier(found: dict[str, Any], where: str, name: str = "id") -> Any:
    if not found.get(name):
        raise BadInput(f"{where}: no {name}")
    return found[name]


def _currency(invoice: dict[str, Any]) -> str:
    named = invoice.get("currency")
    return named.strip().upper() if isinstance(named, str) and named.strip() else "USD"


def billed(record: dict[str, Any], name: str) -> Money:
    """What an invoice or a line of one bills, by its field for it."""
    return exact(record[name], name, -2), _currency(record)


def payment_rows(
    invoice: dict[str, Any], where: str = "Atlas invoice", rejected: Rejected | None = None
) -> list[dict[str, Any]]:
    """The invoice's payments as rows; one that can't be read is set aside in `rejected`."""
    rejected = Rejected() if rejected is None else rejected
    found = []
    for nth, value in enumerate(objects(invoice, "payments", where), start=1):
        place = f"{where}, payment {nth}"
        with rejected.aside(place):
            found.append(_payment_row(invoice, record(value, place), place))
    return found


def _payment_row(invoice: dict[str, Any], payment: dict[str, Any], place: str) -> dict[str, Any]:
    currency = payment.get("currency")
    row = {
        "payment_id": payment.get("id"),
        "invoice_id": invoice.get("id"),
        "status": payment.get("statusName"),
        "currency": currency.strip().upper() if isinstance(currency, str) else currency,
        "unit_price": None
        if payment.get("unitPrice") is None
        else exact(payment["unitPrice"], f"{place}, unitPrice"),
        "amount_billed": cents(payment.get("amountBilledCents"), f"{place}, amountBilledCents"),
        "amount_paid": cents(payment.get("amountPaidCents"), f"{place}, amountPaidCents"),
        "sales_tax": cents(payment.get("salesTaxCents"), f"{place}, salesTaxCents"),
        "subtotal": cents(payment.get("subtotalCents"), f"{place}, subtotalCents"),
        "created": _moment(payment.get("created"), f"{place}, created"),
        "updated": _moment(payment.get("updated"), f"{place}, updated"),
        "extra": rest(payment, _PAYMENT, _ABSENT),
    }
    return typed(PAYMENTS, row, place)


def payment_remark(invoice: dict[str, Any], payments: list[dict[str, Any]]) -> str | None:
    """What a reader should know of an invoice that was paid in another currency: its lines stay in its own."""
    others = sorted(
        {
            f"{row['currency']} at {(row['unit_price'] or Decimal(0)).normalize():f}"
            for row in payments
            if row["currency"] and row["currency"] != _currency(invoice)
        }
    )
    return f"billed in {_currency(invoice)} and paid in {', '.join(others)}" if others else None


def invoice_row(invoice: dict[str, Any], where: str = "Atlas invoice") -> dict[str, Any]:
    """An invoice as a row. Raises BadInput, with `where` and the field, for a value that can't be read."""

    def money_of(name: str) -> Decimal | None:
        return cents(invoice.get(name), f"{where}, {name}")

    def time_of(name: str) -> datetime | None:
        return _moment(invoice.get(name), f"{where}, {name}")

    row = {
        "invoice_id": identifier(invoice, where),
        "org_id": invoice.get("orgId"),
        "status": invoice.get("statusName"),
        "start_date": time_of("startDate"),
        "end_date": time_of("endDate"),
        "created": time_of("created"),
        "updated": time_of("updated"),
        "subtotal": money_of("subtotalCents"),
        "credits": money_of("creditsCents"),
        "sales_tax": money_of("salesTaxCents"),
        "amount_billed": money_of("amountBilledCents"),
        "amount_paid": money_of("amountPaidCents"),
        "starting_balance": money_of("startingBalanceCents"),
        "currency": _currency(invoice),
        "extra": rest(invoice, _INVOICE, _ABSENT),
    }
    return typed(INVOICES, row, where)


def _line(invoice: dict[str, Any], where: str) -> dict[str, Any]:
    return {
        "invoice_id": invoice["id"],
        "org_id": invoice.get("orgId"),
        "invoice_status": invoice.get("statusName"),
        "invoice_start": _moment(invoice.get("startDate"), f"{where}, startDate"),
        "invoice_end": _moment(invoice.get("endDate"), f"{where}, endDate"),
        "currency": _currency(invoice),
    }


def objects(invoice: dict[str, Any], name: str, where: str) -> list[Any]:
    found = invoice.get(name) or []
    if not isinstance(found, list):
        raise BadInput(f"{where}, {name}: not a list")
    return found


def _item_row(invoice: dict[str, Any], item: dict[str, Any], position: int, where: str) -> dict[str, Any]:
    def time_of(name: str) -> datetime | None:
        return _moment(item.get(name), f"{where}, {name}")

    if item.get("totalPriceCents") is None:
        raise BadInput(f"{where}: no totalPriceCents")
    row = {
        **_line(invoice, where),
        "kind": "line_item",
        "line_number": position,
        **{column: item.get(name) for column, name in _ITEM_FIELDS.items()},
        "start_date": time_of("startDate"),
        "end_date": time_of("endDate"),
        "created": time_of("created"),
        "total_price": cents(item["totalPriceCents"], f"{where}, totalPriceCents"),
        "discount": cents(item.get("discountCents"), f"{where}, discountCents"),
        "tags": without_addresses(jsonlib.dumps(item.get("tags") or {}, sort_keys=True, default=str)),
        "extra": without_addresses(rest(item, _ITEM, _ABSENT)),
    }
    found = typed(LINE_ITEMS, row, where, _ITEM_FIELDS)
    return {**found, "note": without_addresses(found["note"])}


def _price(item: Any) -> Decimal | None:
    """What a line item bills; None where that can't be read."""
    try:
        return billed(item, "totalPriceCents")[0]
    except (BadInput, *SHAPES):
        return None


def _is_among_items(
    invoice: dict[str, Any], prices: list[Decimal | None], credit: Decimal | None, where: str
) -> bool:
    """Whether the line items hold the invoice's credit already: only so do they come to what is billed.

    Raises BadInput where that can't be known, because the price of an item can't be read.
    """
    if credit and None in prices:
        place = f"{where}, line item {prices.index(None) + 1}"
        raise BadInput(f"{place}: no price that can be read, so it is not known whether the items hold the credit")
    billed = cents(invoice.get("amountBilledCents"), f"{where}, amountBilledCents")
    tax = cents(invoice.get("salesTaxCents"), f"{where}, salesTaxCents") or Decimal(0)
    known = [price for price in prices if price is not None]
    reduced = sum((price for price in known if price < 0), Decimal(0))
    return bool(credit) and reduced == -(credit or 0) and sum(known, tax) == billed


def own_rows(
    invoice: dict[str, Any], where: str, rejected: Rejected, *, is_linked: bool = False
) -> list[dict[str, Any]]:
    """An invoice's lines without those of linked ones; a line that can't be read is set aside in `rejected`."""
    identifier(invoice, where)
    before = len(rejected.records)
    rows = []
    items = objects(invoice, "lineItems", where)
    for position, item in enumerate(items, start=1):
        place = f"{where}, line item {position}"
        with rejected.aside(place, lambda item=item: billed({**invoice, **item}, "totalPriceCents")):  # type: ignore[misc]
            rows.append(_item_row(invoice, record(item, place), position, place))
    rejected.check(len(rows), since=before)
    if is_linked and not items:
        # A list of invoices has their amounts only.
        whole = next((name for name in ("amountBilledCents", "subtotalCents") if invoice.get(name)), None)
        own = [("linked_invoice", cents(invoice[whole], f"{where}, {whole}"), 1)] if whole else []
    else:
        own = _own_amounts(invoice, [_price(item) for item in items], where, rejected)
    for kind, amount, sign in own:
        if amount:
            line = _line(invoice, where)
            row = {
                **line,
                "kind": kind,
                "line_number": len(rows) + 1,
                "start_date": line["invoice_start"],
                "end_date": line["invoice_end"],
                "total_price": sign * amount,
                "tags": "{}",
            }
            rows.append(typed(LINE_ITEMS, row, where))
    return rows


def _own_amounts(
    invoice: dict[str, Any], prices: list[Decimal | None], where: str, rejected: Rejected
) -> list[tuple[str, Decimal | None, int]]:
    """What an invoice bills beside its items: kind, amount and sign."""
    credit = cents(invoice.get("creditsCents"), f"{where}, creditsCents")
    own: list[tuple[str, Decimal | None, int]] = [
        ("credit", None if _is_among_items(invoice, prices, credit, where) else credit, -1),
        ("sales_tax", cents(invoice.get("salesTaxCents"), f"{where}, salesTaxCents"), 1),
    ]
    for nth, refund in enumerate(objects(invoice, "refunds", where), start=1):
        place = f"{where}, refund {nth}"
        with rejected.aside(place):
            own.append(("refund", cents(record(refund, place).get("amountCents"), f"{place}, amountCents"), -1))
    return own


def moment_or_none(value: Any) -> datetime | None:
    """A time that nothing depends on: what can't be read as one costs its record nothing."""
    try:
        return _moment(value, "")
    except BadInput:
        return None


def _tags(found: dict[str, Any]) -> str | None:
    """Tags as an object of key to value; what holds none, or can't be read as tags, is none."""
    return without_addresses(jsonlib.dumps(tags_of(found.get("tags")) or {}, sort_keys=True, default=str))


def project_row(found: dict[str, Any], where: str) -> dict[str, Any]:
    row = {
        "project_id": identifier(found, where),
        "name": found.get("name"),
        "org_id": found.get("orgId"),
        "created": moment_or_none(found.get("created")),
        "tags": _tags(found),
    }
    return typed(PROJECTS, row, where)


def project_team_row(
    found: dict[str, Any], project_id: str, names: Mapping[str, str], where: str
) -> dict[str, Any]:
    """A team's roles in a project as a row, without the number of its projects; `names` are those of the teams by id."""
    team_id = str(identifier(found, where, "teamId"))
    row = {
        "project_id": project_id,
        "team_id": team_id,
        "team_name": names.get(team_id),
        "roles": jsonlib.dumps(sorted(map(str, objects(found, "roleNames", where)))),
    }
    return typed(PROJECT_TEAMS, row, where)


def cluster_row(found: dict[str, Any], project_id: str, where: str) -> dict[str, Any]:
    row = {
        "cluster_id": found.get("id"),
        "name": identifier(found, where, "name"),
        "project_id": project_id,
        "created": moment_or_none(found.get("createDate")),
        "tags": _tags(found),
    }
    return typed(CLUSTERS, row, where)

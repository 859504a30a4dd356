"""What all lines of the sample company's CUR have in common: accounts, ids, and the bill that they are on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sample_company.llm.models import GATEWAY_BEDROCK_ACCOUNT
from sample_company.world import World, first_of_month, month_of

PAYER = "100000000001"
SHARED_ACCOUNT = "190000000001"
TEAM_ACCOUNTS = {
    "search": "110000000001",
    "data-platform": "110000000002",
    "ml-platform": GATEWAY_BEDROCK_ACCOUNT,
    "security": "110000000004",
    "infra": "110000000005",
}
REGION = "eu-central-1"
SP_ARN = f"arn:aws:savingsplans::{PAYER}:savingsplan/sample-sp-1"
RI_ARN = f"arn:aws:rds:eu-central-1:{PAYER}:ri:sample-ri-1"

Line = dict[str, Any]


def base(world: World, day: date, key: str) -> Line:
    """A line with what all lines have. `key` makes its id."""
    first, after = first_of_month(day), first_of_month(day, 1)
    return {
        "identity_line_item_id": world.token("aws-line", month_of(day), key, length=32),
        "identity_time_interval": f"{day}T00:00:00Z/{day + timedelta(days=1)}T00:00:00Z",
        "bill_bill_type": "Anniversary",
        "bill_billing_entity": "AWS",
        "bill_invoicing_entity": "Amazon Web Services, Inc.",
        "bill_invoice_id": f"INV{first:%Y%m}",
        "bill_payer_account_id": PAYER,
        "bill_payer_account_name": "Sample Company (payer)",
        "bill_billing_period_start_date": moment(first),
        "bill_billing_period_end_date": moment(after),
        "line_item_usage_start_date": moment(day),
        "line_item_usage_end_date": moment(day + timedelta(days=1)),
        "line_item_currency_code": "USD",
        "line_item_legal_entity": "Amazon Web Services, Inc.",
        "pricing_currency": "USD",
        "product_region_code": REGION,
    }


def charge(world: World, day: date, key: str, kind: str, product: str, cost: float, text: str = "") -> Line:
    """A line that is not usage of a resource."""
    return {
        **base(world, day, f"{day}|{key}"),
        "line_item_line_item_type": kind,
        "line_item_line_item_description": text or f"{kind} for {product}",
        "line_item_product_code": product,
        "line_item_usage_type": key,
        "line_item_operation": "",
        "line_item_usage_account_id": PAYER,
        "line_item_usage_account_name": "Sample Company (payer)",
        "line_item_usage_amount": 1.0,
        "line_item_unblended_cost": cost,
        "product_servicecode": product,
        "resource_tags": [],
        "cost_category": [],
        "product": [],
    }


def moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - CUR's timestamps carry no zone, and are UTC

"""The sample company's AWS lines as AWS's own FOCUS exports 1.0 and 1.2: Parquet or gzipped CSV, in the Data Exports layout.

It plays AWS, after AWS's documentation of its FOCUS exports and the FOCUS specification. Like AWS's, these exports have
no ids of line items, no IAM principals and no tags of accounts; and where the payer's discounts are in its lines' net costs,
billed and effective cost are after discounts ("inclusive of all reduced rates and discounts", AWS's dictionary of FOCUS 1.2),
and the discounts are no lines of their own.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sample_company.aws.base import PAYER, Line

Row = dict[str, Any]

TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
NUMBERS = (
    "BilledCost",
    "ConsumedQuantity",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "ListCost",
    "ListUnitPrice",
    "PricingQuantity",
)
MAPS = ("Tags", "x_CostCategories")
TEXTS = (
    "AvailabilityZone",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "ConsumedUnit",
    "InvoiceIssuerName",
    "PricingCategory",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "x_Operation",
    "x_ServiceCode",
    "x_UsageType",
)
SINCE_1_2 = (
    "BillingAccountType",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "InvoiceId",
    "PricingCurrency",
    "ServiceSubcategory",
    "SkuMeter",
    "SubAccountType",
)

# AWS's names of its services in FOCUS, and their category; others keep their code.
SERVICES = {
    "AmazonEC2": ("Amazon Elastic Compute Cloud", "Compute"),
    "AmazonS3": ("Amazon Simple Storage Service", "Storage"),
    "AWSLambda": ("AWS Lambda", "Compute"),
    "AmazonCloudWatch": ("AmazonCloudWatch", "Management and Governance"),
    "AmazonRDS": ("Amazon Relational Database Service", "Databases"),
}


@dataclass(frozen=True)
class Form:
    """A FOCUS export as its owner set it up."""

    version: str
    is_parquet: bool


# What a line costs is what it is billed; but of commitments, see `_committed`.
PLAIN: dict[str, tuple[str, str | None]] = {
    "Usage": ("Usage", "Standard"),
    "Fee": ("Purchase", "Standard"),
    "FlatRateSubscription": ("Purchase", "Standard"),
    "Tax": ("Tax", None),
    "Credit": ("Credit", None),
}


def rows(lines: Iterable[Line]) -> Iterator[Row]:
    """FOCUS rows of a bill's lines. What covered usage and its negation don't net out to is a row of its own."""
    lines = list(lines)
    is_net = any(line.get("line_item_net_unblended_cost") is not None for line in lines)
    negated: dict[str, Decimal] = defaultdict(Decimal)
    last: dict[str, Line] = {}
    for line in lines:
        kind = line["line_item_line_item_type"]
        if line.get("split_line_item_parent_resource_id"):
            continue  # a pod's part of its instance's line
        if is_net and kind.endswith("Discount"):
            continue  # the other lines' net costs hold it
        cost = _net(line, "line_item_net_unblended_cost", "line_item_unblended_cost")
        if kind in ("SavingsPlanCoveredUsage", "SavingsPlanNegation"):
            plan = str(line.get("savings_plan_savings_plan_a_r_n"))
            negated[plan] += cost
            last[plan] = line
        committed = _committed(line, kind, cost)
        if committed is not None:
            yield from committed
            continue
        category, pricing = PLAIN.get(kind, ("Credit" if kind.endswith("Discount") else "Adjustment", None))
        if kind == "Usage" and "Spot" in (line.get("line_item_usage_type") or ""):
            pricing = "Dynamic"
        yield _row(line, category, cost, cost, pricing)
    for plan, rest in negated.items():
        if rest:
            yield _row(last[plan], "Adjustment", rest, rest, None)


def _committed(line: Line, kind: str, cost: Decimal) -> list[Row] | None:
    """The rows of a commitment's line: its fee is a purchase, and what of it was not used. None for other lines."""
    nothing = Decimal(0)
    if kind == "SavingsPlanNegation":
        return []
    if kind == "SavingsPlanCoveredUsage":
        worth = _net(
            line, "savings_plan_net_savings_plan_effective_cost", "savings_plan_savings_plan_effective_cost"
        )
        return [_row(line, "Usage", nothing, worth, "Committed", "Used")]
    if kind == "DiscountedUsage":
        worth = _net(line, "reservation_net_effective_cost", "reservation_effective_cost")
        return [_row(line, "Usage", cost, worth, "Committed", "Used")]
    is_upfront = kind == "Fee" and line.get("reservation_reservation_a_r_n")
    if kind not in ("SavingsPlanRecurringFee", "RIFee", "SavingsPlanUpfrontFee") and not is_upfront:
        return None
    found = [_row(line, "Purchase", cost, nothing, "Committed")]
    if kind == "SavingsPlanRecurringFee":
        unused = _amount(line.get("savings_plan_total_commitment_to_date")) - _amount(
            line.get("savings_plan_used_commitment")
        )
        found.append(_row(line, "Usage", nothing, unused, "Committed", "Unused"))
    if kind == "RIFee":
        unused = _net(
            line,
            "reservation_net_unused_amortized_upfront_fee_for_billing_period",
            "reservation_unused_amortized_upfront_fee_for_billing_period",
        )
        unused += _net(line, "reservation_net_unused_recurring_fee", "reservation_unused_recurring_fee")
        found.append(_row(line, "Usage", nothing, unused, "Committed", "Unused"))
    return found


def _net(line: Line, net: str, gross: str) -> Decimal:
    """What a line costs after its discounts, where it has that."""
    return _amount(line.get(gross) if line.get(net) is None else line[net])


def _amount(value: float | None) -> Decimal:
    return Decimal(repr(value)) if value is not None else Decimal(0)


def _row(
    line: Line, category: str, billed: Decimal, effective: Decimal, pricing: str | None, status: str | None = None
) -> Row:
    code = line.get("product_servicecode") or line.get("line_item_product_code")
    service, service_category = SERVICES.get(str(code), (str(code), "Other"))
    plan, reservation = line.get("savings_plan_savings_plan_a_r_n"), line.get("reservation_reservation_a_r_n")
    is_use = category == "Usage" and status != "Unused"
    listed = _amount(line.get("pricing_public_on_demand_cost")) if is_use else billed or effective
    is_marketplace = line["bill_billing_entity"] == "AWS Marketplace"
    if is_marketplace:
        service = dict(line.get("product") or {}).get("product_name", service)
    frequency = "Usage-Based" if is_use or status == "Unused" else "One-Time"
    if line["line_item_line_item_type"] in ("SavingsPlanRecurringFee", "RIFee") and category == "Purchase":
        frequency = "Recurring"
    return {
        "AvailabilityZone": line.get("line_item_availability_zone"),
        "BilledCost": billed,
        "BillingAccountId": line["bill_payer_account_id"],
        "BillingAccountName": line["bill_payer_account_name"],
        "BillingAccountType": "Payer",
        "BillingCurrency": line["line_item_currency_code"],
        "BillingPeriodEnd": line["bill_billing_period_end_date"],
        "BillingPeriodStart": line["bill_billing_period_start_date"],
        "CapacityReservationId": line.get("capacity_reservation_capacity_reservation_arn"),
        "CapacityReservationStatus": line.get("capacity_reservation_capacity_reservation_status"),
        "ChargeCategory": category,
        "ChargeClass": "Correction" if line["bill_bill_type"] == "Refund" else None,
        "ChargeDescription": line.get("line_item_line_item_description"),
        "ChargeFrequency": frequency,
        "ChargePeriodEnd": line["line_item_usage_end_date"],
        "ChargePeriodStart": line["line_item_usage_start_date"],
        "CommitmentDiscountCategory": ("Spend" if plan else "Usage") if status else None,
        "CommitmentDiscountId": (plan or reservation) if status or pricing == "Committed" else None,
        "CommitmentDiscountStatus": status,
        "CommitmentDiscountType": ("Savings Plan" if plan else "Reserved Instance") if status else None,
        "ConsumedQuantity": line.get("line_item_usage_amount") if is_use else None,
        "ConsumedUnit": line.get("pricing_unit") if is_use else None,
        "ContractedCost": listed,
        "EffectiveCost": effective,
        "InvoiceId": line["bill_invoice_id"],
        "InvoiceIssuerName": "Amazon Web Services, Inc.",
        "ListCost": listed,
        "ListUnitPrice": line.get("pricing_public_on_demand_rate") if is_use else None,
        "PricingCategory": pricing,
        "PricingCurrency": line["pricing_currency"],
        "PricingQuantity": line.get("line_item_usage_amount") if is_use else None,
        "PricingUnit": line.get("pricing_unit") if is_use else None,
        "ProviderName": "AWS",
        "PublisherName": line.get("line_item_legal_entity") if is_marketplace else "AWS",
        "RegionId": line.get("product_region_code"),
        "RegionName": line.get("product_region_code"),
        "ResourceId": line.get("line_item_resource_id"),
        "ResourceType": line.get("product_product_family") if line.get("line_item_resource_id") else None,
        "ServiceCategory": service_category,
        "ServiceName": service,
        "ServiceSubcategory": f"Other ({service_category})",
        "SkuId": line.get("product_sku"),
        "SkuMeter": line.get("line_item_usage_type"),
        "SkuPriceId": line.get("pricing_rate_code"),
        "SubAccountId": line.get("line_item_usage_account_id"),
        "SubAccountName": line.get("line_item_usage_account_name"),
        "SubAccountType": "Account",
        "Tags": dict(line.get("resource_tags") or {}),
        "x_CostCategories": dict(line.get("cost_category") or {}),
        "x_Operation": line.get("line_item_operation"),
        "x_ServiceCode": code,
        "x_UsageType": line.get("line_item_usage_type"),
    }


def write_delivery(form: Form, lines: Sequence[Line], month: str, export: Path, execution: str) -> None:
    """Write a billing period's lines to an export's folder, and then the manifest, which commits them."""
    content = list(rows(lines))
    columns = sorted((*TEXTS, *NUMBERS, *TIMES, *MAPS, *(SINCE_1_2 if form.version == "1.2" else ())))
    # AWS writes the period of its FOCUS exports in lower case.
    key = f"data/billing_period={month}/{export.name}-00001.{'snappy.parquet' if form.is_parquet else 'csv.gz'}"
    target = export / key
    target.parent.mkdir(parents=True, exist_ok=True)
    if form.is_parquet:
        pq.write_table(_table(content, columns), target)
    else:
        target.write_bytes(gzip.compress(_csv(content, columns), 1))
    manifest = export / f"metadata/billing_period={month}/{export.name}-Manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(
        json.dumps(
            {
                "executionId": execution,
                "account": PAYER,
                "dataFiles": [f"s3://sample-bucket/exports/{export.name}/{key}"],
            }
        )
    )


def _table(content: Sequence[Row], columns: Sequence[str]) -> pa.Table:
    types: dict[str, pa.DataType] = {
        **dict.fromkeys(NUMBERS, pa.float64()),
        **dict.fromkeys(TIMES, pa.timestamp("ms", tz="UTC")),
        **dict.fromkeys(MAPS, pa.map_(pa.string(), pa.string())),
    }

    def value(row: Row, column: str) -> Any:
        found = row.get(column)
        if column in NUMBERS and found is not None:
            return float(found)
        if found is not None and column in TIMES:
            return found.replace(tzinfo=UTC)
        return list(found.items()) if isinstance(found, dict) else found

    return pa.table(
        {
            column: pa.array([value(row, column) for row in content], types.get(column, pa.string()))
            for column in columns
        }
    )


def _csv(content: Sequence[Row], columns: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in content)
    return text.getvalue().encode()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def settings(folder: Path, *names: str, compare_only: bool = False) -> dict[str, str]:
    """The environment under which ingestion finds exports of a folder."""
    found = {"SOURCES__FOCUS__EXPORTS": ",".join(f"{name}={folder / name}" for name in names)}
    return found | ({"SOURCES__FOCUS__COMPARE_ONLY": ",".join(names)} if compare_only else {})

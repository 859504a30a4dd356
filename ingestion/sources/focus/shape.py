"""The raw table of FOCUS: the columns of versions 1.0 to 1.4 in snake case, each with one type for all vendors.

What a version lacks is NULL; what is not FOCUS (`x_…` and others) is kept as JSON in `extra`.
"""

from __future__ import annotations

import re

from ingestion.lake.columns import Column, Measure, Table, boolean, json, money, number, text, timestamp
from ingestion.lake.contract import ClaimKind, Evidence
from ingestion.lake.rejected import REJECTED_RECORDS

TEXTS = {
    "allocated_method_id": "way of splitting a shared charge (1.3)",
    "allocated_resource_id": "what the part of a split charge is for (1.3)",
    "allocated_resource_name": "name of what the part of a split charge is for (1.3)",
    "availability_zone": "availability zone",
    "billing_account_id": "account that is billed",
    "billing_account_name": "name of the account that is billed",
    "billing_account_type": "kind of the account that is billed (1.2)",
    "billing_currency": "currency of all costs of the row",
    "capacity_reservation_id": "capacity reservation (1.1)",
    "capacity_reservation_status": "Used or Unused (1.1)",
    "charge_category": "Usage, Purchase, Tax, Credit or Adjustment",
    "charge_class": "Correction of an invoiced period, or NULL",
    "charge_description": "the vendor's description of the charge",
    "charge_frequency": "One-Time, Recurring or Usage-Based",
    "commitment_discount_category": "Spend or Usage",
    "commitment_discount_id": "commitment that the row is of",
    "commitment_discount_name": "name of the commitment",
    "commitment_discount_status": "Used or Unused",
    "commitment_discount_type": "kind of commitment",
    "commitment_discount_unit": "unit of the commitment's quantity (1.1)",
    "consumed_unit": "unit of what was consumed",
    "host_provider_name": "whose infrastructure it runs on (1.3)",
    "invoice_detail_id": "line of the invoice (1.4)",
    "invoice_id": "invoice; NULL until it is issued (1.2)",
    "invoice_issuer_name": "who invoices",
    "pricing_category": "Standard, Dynamic, Committed or Other",
    "pricing_currency": "currency, or virtual currency, that prices are in (1.2)",
    "pricing_unit": "unit that the price is for",
    "provider_name": "who sells it (until 1.3)",
    "publisher_name": "who makes it (until 1.3)",
    "region_id": "region",
    "region_name": "name of the region",
    "resource_id": "resource that was used",
    "resource_name": "name of the resource",
    "resource_type": "kind of resource",
    "service_category": "FOCUS category of the service",
    "service_name": "service",
    "service_provider_name": "who sells it (since 1.3)",
    "service_subcategory": "FOCUS subcategory of the service (1.1)",
    "sku_id": "SKU",
    "sku_meter": "what of the SKU is metered (1.1)",
    "sku_price_id": "price of the SKU",
    "sub_account_id": "account, project or subscription that used it",
    "sub_account_name": "name of the sub account",
    "sub_account_type": "kind of the sub account (1.2)",
}
JSONS = {
    "allocated_method_details": "ratio and driver of the split (1.3)",
    "allocated_tags": "tags of the part of a split charge (1.3)",
    "commitment_program_eligibility_details": "commitment programs that could cover it (1.4)",
    "contract_applied": "contract commitments that the charge counts for (1.3)",
    "sku_price_details": "properties of the price (1.1)",
    "tags": "tags, key to value",
}
COSTS = {
    "billed_cost": "what the invoice carries",
    "contracted_cost": "cost at contracted prices; NULL where the vendor names none",
    "effective_cost": "amortised cost after all discounts",
    "list_cost": "cost at list prices; NULL where the vendor names none",
}
NUMBERS = {
    "commitment_discount_quantity": "what of the commitment it took up (1.1)",
    "consumed_quantity": "what was consumed",
    "contracted_unit_price": "contracted price of a pricing unit",
    "list_unit_price": "list price of a pricing unit",
    "pricing_currency_contracted_unit_price": "contracted price in pricing currency (1.2)",
    "pricing_currency_effective_cost": "effective cost in pricing currency (1.2)",
    "pricing_currency_list_unit_price": "list price in pricing currency (1.2)",
    "pricing_quantity": "what is priced",
}
TIMES = {
    "billing_period_end": "first instant after the billing period, UTC",
    "billing_period_start": "first instant of the billing period, UTC",
    "charge_period_end": "first instant after the charge's time, UTC",
    "charge_period_start": "first instant of the charge's time, UTC",
}

FOCUS_COLUMNS: tuple[Column, ...] = tuple(
    sorted(
        (
            *(text(*named) for named in TEXTS.items()),
            *(json(*named) for named in JSONS.items()),
            *(money(*named) for named in COSTS.items()),
            *(number(*named) for named in NUMBERS.items()),
            *(timestamp(*named) for named in TIMES.items()),
        ),
        key=lambda column: column.name,
    )
)

COST_AND_USAGE = Table(
    "cost_and_usage",
    "One row a charge of a FOCUS file, in FOCUS's own columns.",
    (
        *FOCUS_COLUMNS,
        json("extra", "the columns that are not FOCUS, as JSON"),
        text("focus_version", "version of FOCUS, from its columns"),
        text("export_name", "export that the row is of: its name in the settings"),
        boolean("is_compare_only", "whether the export is only compared with the ledger, and makes no charges"),
        text("file_name", "file that the row is of"),
    ),
    measures=(Measure("billed_cost", "billed_cost", "billing_currency"),),
    vendor_files=True,
)
TABLES = (COST_AND_USAGE, REJECTED_RECORDS)
CLAIM_KINDS = (
    ClaimKind(
        "focus_sub_account",
        Evidence.PROVIDER_ACCOUNT,
        "Sub account of a FOCUS export: project, subscription, account",
    ),
    ClaimKind("focus_resource", Evidence.PROVIDER_ACCOUNT, "Resource of a FOCUS export, by its id"),
    ClaimKind("focus_tag", Evidence.TAG, "Tag of a FOCUS export; the key follows the colon", keys="tag"),
    ClaimKind(
        "focus_service", Evidence.DEFAULT, "Service of a FOCUS export: a default for what nothing else explains"
    ),
    ClaimKind("focus_provider", Evidence.DEFAULT, "Provider of a FOCUS export"),
    ClaimKind("focus_export", Evidence.DEFAULT, "FOCUS export, by its name in the settings"),
)

# FOCUS 1.2, "Service Category": the values that it allows.
SERVICE_CATEGORIES = (
    *("AI and Machine Learning", "Analytics", "Business Applications", "Compute", "Databases", "Developer Tools"),
    *(
        "Multicloud",
        "Identity",
        "Integration",
        "Internet of Things",
        "Management and Governance",
        "Media",
        "Migration",
    ),
    *("Mobile", "Networking", "Security", "Storage", "Web", "Other"),
)

# Without these a row is no charge. (The others that FOCUS makes mandatory can be derived from these, or left NULL.)
REQUIRED = (
    "billed_cost",
    "billing_account_id",
    "billing_currency",
    "billing_period_start",
    "charge_category",
    "charge_period_end",
    "charge_period_start",
    "effective_cost",
)
# In these no row may be empty.
NEVER_NULL = ("billed_cost", "billing_currency", "billing_period_start", "charge_period_start", "effective_cost")

# The columns that distinguish each version from the one before it, newest first.
VERSIONS = {
    "1.4": {"invoice_detail_id", "commitment_program_eligibility_details"},
    "1.3": {"service_provider_name", "host_provider_name", "allocated_method_id", "contract_applied"},
    "1.2": {"invoice_id", "pricing_currency", "billing_account_type", "sub_account_type"},
    "1.1": {"capacity_reservation_id", "service_subcategory", "sku_meter", "commitment_discount_quantity"},
}

_BY_LETTERS = {column.name.replace("_", ""): column.name for column in FOCUS_COLUMNS}


def focus_column(header: str) -> str | None:
    """The FOCUS column that a header names, in any spelling (BilledCost, billed_cost, "Billed Cost"); else None."""
    return _BY_LETTERS.get(re.sub(r"[^a-z0-9]", "", header.lower()))


def focus_header(column: str) -> str:
    """A column as the specification writes it."""
    return "".join(part.capitalize() for part in column.split("_"))


def focus_version(columns: frozenset[str]) -> str:
    """The version of FOCUS that has such columns."""
    return next((version for version, brought in VERSIONS.items() if brought & columns), "1.0")

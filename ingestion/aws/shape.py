"""The raw table of AWS: the columns of CUR 2.0 that the ledger reads, under AWS's own names and types.

A payer's export has more (all of them lie in the lake), and may lack some of these: they are NULL then.
"""

from __future__ import annotations

import pyarrow as pa

from ingestion.columns import Column, Table, text

COLUMNS = (
    text("bill_bill_type", "bill bill type"),
    text("bill_billing_entity", "bill billing entity"),
    text("bill_invoice_id", "bill invoice id"),
    text("bill_payer_account_id", "bill payer account id"),
    text("bill_payer_account_name", "bill payer account name"),
    text("identity_line_item_id", "identity line item id"),
    text("identity_time_interval", "identity time interval"),
    text("line_item_availability_zone", "line item availability zone"),
    text("line_item_currency_code", "line item currency code"),
    text("line_item_iam_principal", "line item iam principal"),
    text("line_item_line_item_description", "line item line item description"),
    text("line_item_line_item_type", "line item line item type"),
    text("line_item_operation", "line item operation"),
    text("line_item_product_code", "line item product code"),
    text("line_item_resource_id", "line item resource id"),
    text("line_item_usage_account_id", "line item usage account id"),
    text("line_item_usage_account_name", "line item usage account name"),
    text("line_item_usage_type", "line item usage type"),
    text("pricing_public_on_demand_rate", "pricing public on demand rate"),
    text("pricing_rate_code", "pricing rate code"),
    text("pricing_rate_id", "pricing rate id"),
    text("pricing_term", "pricing term"),
    text("pricing_unit", "pricing unit"),
    text("product_product_family", "product product family"),
    text("product_region_code", "product region code"),
    text("product_servicecode", "product servicecode"),
    text("product_sku", "product sku"),
    text("reservation_reservation_a_r_n", "reservation reservation a r n"),
    text("savings_plan_savings_plan_a_r_n", "savings plan savings plan a r n"),
    text("savings_plan_offering_type", "savings plan offering type"),
    text("split_line_item_parent_resource_id", "split line item parent resource id"),
    Column("line_item_unblended_cost", pa.float64(), "line item unblended cost, as AWS writes it"),
    Column("line_item_usage_amount", pa.float64(), "line item usage amount, as AWS writes it"),
    Column("pricing_public_on_demand_cost", pa.float64(), "pricing public on demand cost, as AWS writes it"),
    Column("reservation_effective_cost", pa.float64(), "reservation effective cost, as AWS writes it"),
    Column(
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        pa.float64(),
        "unused part of the amortized upfront fee",
    ),
    Column("reservation_unused_recurring_fee", pa.float64(), "reservation unused recurring fee, as AWS writes it"),
    Column(
        "savings_plan_savings_plan_effective_cost",
        pa.float64(),
        "effective cost of the covered usage",
    ),
    Column(
        "savings_plan_total_commitment_to_date",
        pa.float64(),
        "savings plan total commitment to date, as AWS writes it",
    ),
    Column("savings_plan_used_commitment", pa.float64(), "savings plan used commitment, as AWS writes it"),
    Column("bill_billing_period_end_date", pa.timestamp("ms"), "bill billing period end date, UTC without zone"),
    Column(
        "bill_billing_period_start_date", pa.timestamp("ms"), "bill billing period start date, UTC without zone"
    ),
    Column("line_item_usage_end_date", pa.timestamp("ms"), "line item usage end date, UTC without zone"),
    Column("line_item_usage_start_date", pa.timestamp("ms"), "line item usage start date, UTC without zone"),
    Column("resource_tags", pa.map_(pa.string(), pa.string()), "resource tags"),
    Column("cost_category", pa.map_(pa.string(), pa.string()), "cost category"),
    Column("product", pa.map_(pa.string(), pa.string()), "product"),
)

COST_AND_USAGE_REPORT = Table(
    "cost_and_usage_report",
    "One row a line item of CUR 2.0; AWS's own Parquet files, byte for byte.",
    COLUMNS,
    vendor_files=True,
)
TABLES = (COST_AND_USAGE_REPORT,)

# Without these nothing can be said of a line's cost.
REQUIRED = ("line_item_line_item_type", "line_item_unblended_cost", "line_item_usage_start_date")

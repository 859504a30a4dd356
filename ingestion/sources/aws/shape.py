"""The raw table of AWS: the columns of CUR 2.0 that the ledger reads, under AWS's own names and types.

A payer's export has more (all of them lie in the lake), and may lack some of these: they are NULL then. Whatever
format the export has, its columns come to these names and types.
"""

from __future__ import annotations

import pyarrow as pa

from ingestion.lake.columns import Column, Table, text
from ingestion.lake.contract import ClaimKind, Evidence
from ingestion.lake.rejected import REJECTED_RECORDS

COLUMNS = (
    text("bill_bill_type", "Anniversary, Purchase or Refund: the kind of bill that the line is on"),
    text("bill_billing_entity", "AWS, or AWS Marketplace"),
    text("bill_invoice_id", "invoice; NULL until it is issued"),
    text("bill_payer_account_id", "account that pays"),
    text("bill_payer_account_name", "name of the account that pays"),
    text(
        "capacity_reservation_capacity_reservation_arn",
        "capacity reservation that the line is of (exports with capacity reservation data)",
    ),
    text("capacity_reservation_capacity_reservation_status", "Used, Unused, Reserved or Cancelled"),
    text("identity_line_item_id", "id of the line, of this delivery only"),
    text("identity_time_interval", "hour or day of the line, start/end in UTC"),
    text("line_item_availability_zone", "availability zone"),
    text("line_item_currency_code", "currency of all costs of the line"),
    text(
        "line_item_iam_principal", "user, role or session that called (Bedrock; exports with IAM principal data)"
    ),
    text("line_item_legal_entity", "seller of record: one of AWS, or of a Marketplace product its seller"),
    text("line_item_line_item_description", "AWS's description of the line"),
    text("line_item_line_item_type", "Usage, DiscountedUsage, SavingsPlanCoveredUsage, Tax, Credit …"),
    text("line_item_operation", "operation that was measured"),
    text("line_item_product_code", "product code; of Marketplace products an opaque id"),
    text("line_item_resource_id", "resource that was used; NULL where AWS names none"),
    text("line_item_usage_account_id", "account that used it"),
    text("line_item_usage_account_name", "name of the account that used it"),
    text("line_item_usage_type", "what was measured, and where; of Bedrock also model, token class and tier"),
    text("pricing_public_on_demand_rate", "public on-demand rate, as text"),
    text("pricing_rate_code", "id of the rate, unique for product, offer and tier"),
    text("pricing_rate_id", "id of the rate in the price list"),
    text("pricing_term", "OnDemand or Reserved"),
    text("pricing_unit", "unit that the price is for"),
    text("product_instance_type", "type of the instance: m6i.large, db.r6g.large …"),
    text("product_product_family", "family of the product"),
    text("product_region_code", "region"),
    text("product_servicecode", "code of the service"),
    text("product_sku", "SKU"),
    text("reservation_reservation_a_r_n", "reservation that the line is of"),
    text("savings_plan_savings_plan_a_r_n", "Savings Plan that the line is of"),
    text("savings_plan_offering_type", "kind of Savings Plan"),
    text("split_line_item_parent_resource_id", "instance whose cost is split (containers)"),
    Column("discount_total_discount", pa.float64(), "discounts of the line, all added up"),
    Column(
        "line_item_net_unblended_cost",
        pa.float64(),
        "cost after discounts; only where the payer has private prices",
    ),
    Column("line_item_unblended_cost", pa.float64(), "what the invoice carries, before what commitments amortise"),
    Column("line_item_usage_amount", pa.float64(), "amount that was used, in pricing units"),
    Column("pricing_public_on_demand_cost", pa.float64(), "cost at the public on-demand rate"),
    Column(
        "reservation_amortized_upfront_fee_for_billing_period",
        pa.float64(),
        "upfront fee of the period, used or not",
    ),
    Column("reservation_effective_cost", pa.float64(), "amortised cost of the reservation's usage"),
    Column(
        "reservation_net_effective_cost", pa.float64(), "amortised cost of the reservation's usage after discounts"
    ),
    Column(
        "reservation_net_unused_amortized_upfront_fee_for_billing_period",
        pa.float64(),
        "upfront fee of the period that no usage took up, after discounts",
    ),
    Column(
        "reservation_net_unused_recurring_fee",
        pa.float64(),
        "recurring fee of the period that no usage took up, after discounts",
    ),
    Column(
        "reservation_unused_amortized_upfront_fee_for_billing_period",
        pa.float64(),
        "upfront fee of the period that no usage took up",
    ),
    Column("reservation_unused_quantity", pa.float64(), "reserved hours of the period that no usage took up"),
    Column("reservation_unused_recurring_fee", pa.float64(), "recurring fee of the period that no usage took up"),
    Column(
        "savings_plan_amortized_upfront_commitment_for_billing_period",
        pa.float64(),
        "upfront payment of the plan that falls on the line's time",
    ),
    Column(
        "savings_plan_net_savings_plan_effective_cost",
        pa.float64(),
        "amortised cost of the usage that the plan covers, after discounts",
    ),
    Column(
        "savings_plan_savings_plan_effective_cost",
        pa.float64(),
        "amortised cost of the usage that the plan covers",
    ),
    Column(
        "savings_plan_total_commitment_to_date",
        pa.float64(),
        "commitment of the line's time, amortised upfront included",
    ),
    Column("savings_plan_used_commitment", pa.float64(), "what of the commitment was used"),
    Column("bill_billing_period_end_date", pa.timestamp("ms"), "first instant after the billing period, UTC"),
    Column("bill_billing_period_start_date", pa.timestamp("ms"), "first instant of the billing period, UTC"),
    Column("line_item_usage_end_date", pa.timestamp("ms"), "first instant after the usage, UTC"),
    Column("line_item_usage_start_date", pa.timestamp("ms"), "first instant of the usage, UTC"),
    Column("resource_tags", pa.map_(pa.string(), pa.string()), "tags of the resource, key to value"),
    Column("cost_category", pa.map_(pa.string(), pa.string()), "cost categories, name to value"),
    Column(
        "tags",
        pa.map_(pa.string(), pa.string()),
        "tags of newer exports, the kind before the key: accountTag/team …",
    ),
    Column(
        "product", pa.map_(pa.string(), pa.string()), "attributes of the product that have no column of their own"
    ),
    Column(
        "other_columns",
        pa.map_(pa.string(), pa.string()),
        "columns of a CSV or legacy export that CUR 2.0 doesn't know, by name in snake case, as text",
    ),
)

COST_AND_USAGE_REPORT = Table(
    "cost_and_usage_report",
    "One row a line item, in CUR 2.0's columns: AWS's own Parquet byte for byte, other exports converted.",
    COLUMNS,
    vendor_files=True,
)
TABLES = (COST_AND_USAGE_REPORT, REJECTED_RECORDS)
CLAIM_KINDS = (
    ClaimKind("aws_account", Evidence.PROVIDER_ACCOUNT, "AWS account that used the service"),
    ClaimKind("aws_iam_principal", Evidence.PROVIDER_ACCOUNT, "IAM principal that made the call (Bedrock)"),
    ClaimKind("aws_inference_profile", Evidence.PROVIDER_ACCOUNT, "Application inference profile (Bedrock)"),
    ClaimKind(
        "aws_resource",
        Evidence.PROVIDER_ACCOUNT,
        "Resource of AWS by its ARN or id (charges claim it only where a rule names one)",
    ),
    ClaimKind(
        "aws_commitment",
        Evidence.PROVIDER_ACCOUNT,
        "Savings Plan or reservation whose fee or unused part the charge is (not the usage that it covers)",
    ),
    ClaimKind("aws_tag", Evidence.TAG, "Resource tag; the key follows the colon", keys="tag"),
    ClaimKind(
        "aws_principal_tag",
        Evidence.TAG,
        "Tag of the IAM principal that called (Bedrock); the key follows the colon",
        keys="tag",
    ),
    ClaimKind("aws_account_tag", Evidence.TAG, "Tag of the AWS account; the key follows the colon", keys="tag"),
    ClaimKind(
        "aws_cost_category", Evidence.TAG, "AWS cost category; its name follows the colon", keys="cost_category"
    ),
)

# Further columns of CUR 2.0 (AWS Data Exports user guide, "CUR 2.0 table dictionary"): with them a column has one type,
# whatever format it is delivered in. Rates, numbers of reservations and times of commitments are text there.
_MORE_TEXT = """
    bill_invoicing_entity
    capacity_reservation_capacity_reservation_type
    line_item_blended_rate line_item_net_unblended_rate line_item_tax_type
    line_item_unblended_rate line_item_user_identifier
    pricing_currency pricing_lease_contract_length pricing_offering_class pricing_purchase_option
    product_comment product_fee_code product_fee_description product_from_location product_from_location_type
    product_from_region_code product_instance_family product_instancesku product_location
    product_location_type product_operation product_pricing_unit product_to_location product_to_location_type
    product_to_region_code product_usagetype
    reservation_availability_zone reservation_end_time reservation_modification_status
    reservation_normalized_units_per_reservation reservation_number_of_reservations reservation_start_time
    reservation_subscription_id reservation_total_reserved_normalized_units reservation_total_reserved_units
    reservation_units_per_reservation
    savings_plan_end_time savings_plan_instance_type_family savings_plan_payment_option savings_plan_purchase_term
    savings_plan_region savings_plan_start_time
"""
_MORE_DOUBLE = """
    discount_bundled_discount discount_total_discount
    line_item_blended_cost line_item_net_unblended_cost line_item_normalization_factor
    line_item_normalized_usage_amount
    reservation_amortized_upfront_cost_for_usage reservation_amortized_upfront_fee_for_billing_period
    reservation_net_amortized_upfront_cost_for_usage reservation_net_amortized_upfront_fee_for_billing_period
    reservation_net_effective_cost reservation_net_recurring_fee_for_usage
    reservation_net_unused_amortized_upfront_fee_for_billing_period reservation_net_unused_recurring_fee
    reservation_net_upfront_value reservation_recurring_fee_for_usage reservation_unused_normalized_unit_quantity
    reservation_unused_quantity reservation_upfront_value
    savings_plan_amortized_upfront_commitment_for_billing_period
    savings_plan_net_amortized_upfront_commitment_for_billing_period
    savings_plan_net_recurring_commitment_for_billing_period savings_plan_net_savings_plan_effective_cost
    savings_plan_recurring_commitment_for_billing_period savings_plan_savings_plan_rate
    split_line_item_actual_usage split_line_item_net_split_cost split_line_item_net_unused_cost
    split_line_item_public_on_demand_split_cost split_line_item_public_on_demand_unused_cost
    split_line_item_reserved_usage split_line_item_split_cost split_line_item_split_usage
    split_line_item_split_usage_ratio split_line_item_unused_cost
"""
OTHER_COLUMNS = "other_columns"
MAPS = tuple(column.name for column in COLUMNS if pa.types.is_map(column.type) and column.name != OTHER_COLUMNS)
COLUMN_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(_MORE_TEXT.split(), pa.string()),
    **dict.fromkeys(_MORE_DOUBLE.split(), pa.float64()),
    **{column.name: column.type for column in COLUMNS if not pa.types.is_map(column.type)},
}
# Container rows of split cost allocation repeat the instance's own line: they are no money of their own.
SPLIT_COST_OPERATIONS = ("EKSPod-EC2", "ECSTask-EC2")

# Without these a line has no cost.
REQUIRED = ("line_item_line_item_type", "line_item_unblended_cost", "line_item_usage_start_date")


def exact_decimal(column: str) -> str:
    """SQL (DuckDB) for a double as DECIMAL(38,12): its shortest decimal text, rounded half up once.

    The same rule as staging's macro `exact_decimal`, so that a delivery's control totals are the ledger's to the last
    digit. A plain cast multiplies in binary: it makes 68565.402106869992 of 68565.40210687.
    """
    return (
        f"case when {column} = trunc({column}) and abs({column}) < 1e15 "
        f"then cast(cast({column} as bigint) as decimal(38, 12)) "
        f"when abs({column}) < 1000 and abs(abs({column}) * 1e12 - floor(abs({column}) * 1e12) - 0.5) "
        f"> 0.00001 + abs({column}) * 0.0003 then cast({column} as decimal(38, 12)) "
        f"else cast(cast({column} as varchar) as decimal(38, 12)) end"
    )

-- CUR has costs as doubles, and absent values as NULL or as an empty text. Both are normalised here, once.
with delivered as (select * from {{ lake_table("raw_aws", "cost_and_usage_report", vendor_files=true) }})

select
    nullif(bill_bill_type, '') as bill_bill_type,
    nullif(bill_billing_entity, '') as bill_billing_entity,
    nullif(bill_invoice_id, '') as bill_invoice_id,
    nullif(bill_payer_account_id, '') as bill_payer_account_id,
    nullif(bill_payer_account_name, '') as bill_payer_account_name,
    nullif(
        capacity_reservation_capacity_reservation_arn, ''
    ) as capacity_reservation_capacity_reservation_arn,
    nullif(
        capacity_reservation_capacity_reservation_status, ''
    ) as capacity_reservation_capacity_reservation_status,
    nullif(identity_line_item_id, '') as identity_line_item_id,
    nullif(identity_time_interval, '') as identity_time_interval,
    nullif(line_item_availability_zone, '') as line_item_availability_zone,
    nullif(line_item_currency_code, '') as line_item_currency_code,
    nullif(line_item_iam_principal, '') as line_item_iam_principal,
    nullif(line_item_legal_entity, '') as line_item_legal_entity,
    nullif(line_item_line_item_description, '') as line_item_line_item_description,
    nullif(line_item_line_item_type, '') as line_item_line_item_type,
    nullif(line_item_operation, '') as line_item_operation,
    nullif(line_item_product_code, '') as line_item_product_code,
    nullif(line_item_resource_id, '') as line_item_resource_id,
    nullif(line_item_usage_account_id, '') as line_item_usage_account_id,
    nullif(line_item_usage_account_name, '') as line_item_usage_account_name,
    nullif(line_item_usage_type, '') as line_item_usage_type,
    nullif(pricing_public_on_demand_rate, '') as pricing_public_on_demand_rate,
    nullif(pricing_rate_code, '') as pricing_rate_code,
    nullif(pricing_rate_id, '') as pricing_rate_id,
    nullif(pricing_term, '') as pricing_term,
    nullif(pricing_unit, '') as pricing_unit,
    nullif(product_instance_type, '') as product_instance_type,
    nullif(product_product_family, '') as product_product_family,
    nullif(product_region_code, '') as product_region_code,
    nullif(product_servicecode, '') as product_servicecode,
    nullif(product_sku, '') as product_sku,
    nullif(reservation_reservation_a_r_n, '') as reservation_reservation_a_r_n,
    nullif(savings_plan_savings_plan_a_r_n, '') as savings_plan_savings_plan_a_r_n,
    nullif(savings_plan_offering_type, '') as savings_plan_offering_type,
    nullif(split_line_item_parent_resource_id, '') as split_line_item_parent_resource_id,
    {{ exact_decimal("line_item_unblended_cost") }} as line_item_unblended_cost,
    {{ exact_decimal("line_item_usage_amount") }} as line_item_usage_amount,
    {{ exact_decimal("pricing_public_on_demand_cost") }} as pricing_public_on_demand_cost,
    {{ exact_decimal("reservation_effective_cost") }} as reservation_effective_cost,
    {{ exact_decimal("reservation_unused_amortized_upfront_fee_for_billing_period") }}
    as reservation_unused_amortized_upfront_fee_for_billing_period,
    {{ exact_decimal("reservation_unused_recurring_fee") }} as reservation_unused_recurring_fee,
    {{ exact_decimal("savings_plan_savings_plan_effective_cost") }}
    as savings_plan_savings_plan_effective_cost,
    {{ exact_decimal("savings_plan_total_commitment_to_date") }} as savings_plan_total_commitment_to_date,
    {{ exact_decimal("savings_plan_used_commitment") }} as savings_plan_used_commitment,
    {{ exact_decimal("discount_total_discount") }} as discount_total_discount,
    {{ exact_decimal("line_item_net_unblended_cost") }} as line_item_net_unblended_cost,
    {{ exact_decimal("reservation_amortized_upfront_fee_for_billing_period") }}
    as reservation_amortized_upfront_fee_for_billing_period,
    {{ exact_decimal("reservation_net_effective_cost") }} as reservation_net_effective_cost,
    {{ exact_decimal("reservation_net_unused_amortized_upfront_fee_for_billing_period") }}
    as reservation_net_unused_amortized_upfront_fee_for_billing_period,
    {{ exact_decimal("reservation_net_unused_recurring_fee") }} as reservation_net_unused_recurring_fee,
    {{ exact_decimal("reservation_unused_quantity") }} as reservation_unused_quantity,
    {{ exact_decimal("savings_plan_amortized_upfront_commitment_for_billing_period") }}
    as savings_plan_amortized_upfront_commitment_for_billing_period,
    {{ exact_decimal("savings_plan_net_savings_plan_effective_cost") }}
    as savings_plan_net_savings_plan_effective_cost,
    bill_billing_period_end_date,
    bill_billing_period_start_date,
    line_item_usage_end_date,
    line_item_usage_start_date,
    resource_tags,
    cost_category,
    tags,
    product,
    slice_id,
    delivery_load_id as load_id,
    lake_file,
    lake_row,
    billing_month
from delivered

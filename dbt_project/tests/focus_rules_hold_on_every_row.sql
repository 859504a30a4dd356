-- What the official validators let pass (they never check price × quantity, nor enumerations row by row).
select charge_key
from {{ ref("fact_cost") }}
where
    charge_category not in ('Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment')
    or charge_frequency not in ('One-Time', 'Recurring', 'Usage-Based')
    or (charge_category = 'Purchase' and charge_frequency = 'Usage-Based')
    or coalesce(pricing_category, 'Standard') not in ('Standard', 'Dynamic', 'Committed', 'Other')
    or charge_period_start >= charge_period_end
    or billing_period_start >= billing_period_end
    or (charge_category = 'Tax' and billed_cost <> effective_cost)
    or (charge_category in ('Usage', 'Purchase') and charge_class is null and sku_price_id is null)
    or (sku_price_id is null and (list_unit_price is not null or pricing_quantity is not null))
    or (pricing_quantity is null) <> (pricing_unit is null)
    or (consumed_quantity is null) <> (consumed_unit is null)
    or (resource_id is not null and resource_type is null)
    or (resource_id is null and resource_name is not null)
    or (sub_account_id is not null and (sub_account_name is null or sub_account_type is null))
    or (list_unit_price is not null and list_unit_price < 0)

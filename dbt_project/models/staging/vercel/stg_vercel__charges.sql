with delivered as (select * from {{ lake_table("raw_vercel", "charges") }})

select
    team_id,
    charge_date,
    {{ utc_timestamp("charge_period_start") }} as charge_period_start,
    {{ utc_timestamp("charge_period_end") }} as charge_period_end,
    billed_cost,
    effective_cost,
    consumed_quantity,
    pricing_quantity,
    billing_currency,
    pricing_currency,
    charge_category,
    consumed_unit,
    pricing_category,
    pricing_unit,
    region_id,
    region_name,
    service_category,
    service_name,
    service_provider_name,
    sku_id,
    tags,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

-- A text that Vercel leaves empty is an absent one.
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
    nullif(pricing_currency, '') as pricing_currency,
    nullif(charge_category, '') as charge_category,
    nullif(consumed_unit, '') as consumed_unit,
    nullif(pricing_category, '') as pricing_category,
    nullif(pricing_unit, '') as pricing_unit,
    nullif(region_id, '') as region_id,
    nullif(region_name, '') as region_name,
    nullif(service_category, '') as service_category,
    nullif(service_name, '') as service_name,
    nullif(service_provider_name, '') as service_provider_name,
    nullif(sku_id, '') as sku_id,
    tags,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

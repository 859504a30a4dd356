{{ config(meta={"dagster": {"ref": {"name": "llm_unit_economics"}}}) }}

-- llm_unit_economics has all metered cost, once. (It has no amount for a group that is billed in two
-- currencies, so such groups are not compared.)
with
    billed as (
        select
            cast(charge_period_start as date) as usage_day,
            ai_provider as provider,
            sum(billed_cost) as billed_cost,
            count(distinct billing_currency) as currencies
        from {{ ref("fact_cost") }}
        where telemetry_status = 'metered'
        group by cast(charge_period_start as date), ai_provider
    ),

    unit_economics as (
        select usage_day, provider, sum(billed_cost) as billed_cost
        from {{ ref("llm_unit_economics") }}
        group by usage_day, provider
    )

select
    billed.usage_day, billed.provider, billed.billed_cost, unit_economics.billed_cost as unit_economics_cost
from billed
left join
    unit_economics
    on billed.usage_day = unit_economics.usage_day
    and billed.provider = unit_economics.provider
where
    billed.currencies = 1
    and (unit_economics.billed_cost is null or unit_economics.billed_cost <> billed.billed_cost)

{{ config(meta={"dagster": {"ref": {"name": "llm_unit_economics"}}}) }}

-- What the providers billed for requests that were seen is in unit economics, all of it and once. (A
-- group that is billed in two currencies has no amount there.)
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

    told as (
        select usage_day, provider, sum(billed_cost) as billed_cost
        from {{ ref("llm_unit_economics") }}
        group by usage_day, provider
    )

select billed.usage_day, billed.provider, billed.billed_cost, told.billed_cost as told_cost
from billed
left join told on billed.usage_day = told.usage_day and billed.provider = told.provider
where billed.currencies = 1 and (told.billed_cost is null or told.billed_cost <> billed.billed_cost)

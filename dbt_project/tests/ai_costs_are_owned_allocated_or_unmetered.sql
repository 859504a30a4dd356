{{ config(meta={"dagster": {"ref": {"name": "fact_cost"}}}) }}

-- AI cost, billed or estimated, is owned, allocated or unmetered. The parts add up to the charges by
-- source, month and currency, to the last digit. Metered cost without an owner is a part of its own.
with
    billed as (
        select source, billing_month, billing_currency, sum(billed_cost) as billed_cost
        from {{ ref("int_charges__unified") }}
        where source in ('openai', 'anthropic', 'openrouter', 'llm_costs', 'llm_gateway')
        group by source, billing_month, billing_currency
    ),

    parts as (
        select
            source,
            billing_month,
            billing_currency,
            billed_cost,
            case
                when owner_id <> 'unowned' and evidence_kind = 'allocation'
                then 'allocated'
                when owner_id <> 'unowned'
                then 'owned'
                when telemetry_status in ('unmetered', 'not_applicable')
                then 'unmetered'
                when telemetry_status = 'metered'
                then 'unowned'
            end as part
        from {{ ref("fact_cost") }}
        where source in ('openai', 'anthropic', 'openrouter', 'llm_costs', 'llm_gateway')
    ),

    accounted as (
        select
            source,
            billing_month,
            billing_currency,
            {% for part in ["owned", "allocated", "unmetered", "unowned"] %}
                sum(case when part = '{{ part }}' then billed_cost else 0 end) as {{ part }}_cost,
            {% endfor %}
            sum(billed_cost) as billed_cost
        from parts
        group by source, billing_month, billing_currency
    )

select
    coalesce(billed.source, accounted.source) as source,
    coalesce(billed.billing_month, accounted.billing_month) as billing_month,
    coalesce(billed.billing_currency, accounted.billing_currency) as billing_currency,
    billed.billed_cost,
    accounted.owned_cost,
    accounted.allocated_cost,
    accounted.unmetered_cost,
    accounted.unowned_cost
from billed
full outer join
    accounted
    on billed.source = accounted.source
    and billed.billing_month = accounted.billing_month
    and billed.billing_currency = accounted.billing_currency
where
    billed.billed_cost is null
    or accounted.billed_cost is null
    or billed.billed_cost
    <> accounted.owned_cost + accounted.allocated_cost + accounted.unmetered_cost + accounted.unowned_cost

{{ built_by_period("ledger_fingerprint") }}

-- Cost by day, in the words of an analyst: the ledger without its technical columns, and much smaller.
with
    costs as (
        select charges.*
        from {{ ref("fact_cost") }} as charges
        inner join
            {{ periods_to_build("ledger_fingerprint") }} as periods
            on charges.source = periods.source
            and charges.billing_month = periods.billing_month
            and charges.ledger_fingerprint = periods.ledger_fingerprint
    )

select
    source,
    billing_month,
    cast(charge_period_start as date) as cost_day,
    owner_id,
    owner_key,
    service_name,
    workflow_id,
    customer_id,
    environment,
    ai_model as model_id,
    charge_category,
    case
        when charge_category = 'Usage'
        then 'usage'
        when charge_frequency = 'Recurring' or charge_category in ('Tax', 'Credit')
        then 'calendar'
        else 'one-off'
    end as cost_pattern,
    is_estimated,
    billing_currency,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
    cast(sum(list_cost) as decimal(38, 12)) as list_cost,
    cast(count(*) as bigint) as charge_count,
    ledger_fingerprint
from costs
group by
    source,
    billing_month,
    cast(charge_period_start as date),
    owner_id,
    owner_key,
    service_name,
    workflow_id,
    customer_id,
    environment,
    ai_model,
    charge_category,
    case
        when charge_category = 'Usage'
        then 'usage'
        when charge_frequency = 'Recurring' or charge_category in ('Tax', 'Credit')
        then 'calendar'
        else 'one-off'
    end,
    is_estimated,
    billing_currency,
    ledger_fingerprint

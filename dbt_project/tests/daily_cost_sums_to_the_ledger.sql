{{ config(meta={"dagster": {"ref": {"name": "cost_daily"}}}) }}

-- cost_daily has the ledger's cost, to the last place.
with
    ledger as (
        select
            source,
            billing_month,
            billing_currency,
            sum(billed_cost) as billed,
            sum(effective_cost) as effective
        from {{ ref("fact_cost") }}
        group by source, billing_month, billing_currency
    ),

    daily as (
        select
            source,
            billing_month,
            billing_currency,
            sum(billed_cost) as billed,
            sum(effective_cost) as effective
        from {{ ref("cost_daily") }}
        group by source, billing_month, billing_currency
    )

select
    coalesce(ledger.source, daily.source) as source,
    coalesce(ledger.billing_month, daily.billing_month) as billing_month,
    coalesce(ledger.billing_currency, daily.billing_currency) as billing_currency,
    ledger.billed as ledger_billed_cost,
    daily.billed as daily_billed_cost
from ledger
full outer join
    daily
    on ledger.source = daily.source
    and ledger.billing_month = daily.billing_month
    and ledger.billing_currency = daily.billing_currency
where ledger.billed is distinct from daily.billed or ledger.effective is distinct from daily.effective

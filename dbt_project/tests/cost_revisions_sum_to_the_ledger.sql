{{ config(meta={"dagster": {"ref": {"name": "fact_cost_revision"}}}) }}

-- All recorded changes add up to fact_cost, by source, billing month and currency.
with
    recorded as (
        select
            source,
            billing_month,
            billing_currency,
            sum(billed_change) as billed_cost,
            sum(effective_change) as effective_cost
        from {{ ref("fact_cost_revision") }}
        where billing_currency is not null
        group by source, billing_month, billing_currency
    ),

    ledger as (
        select source, billing_month, billing_currency, fact_billed_cost, fact_effective_cost
        from {{ ref("fact_reconciliation") }}
    )

select
    ledger.source,
    ledger.billing_month,
    ledger.billing_currency,
    ledger.fact_billed_cost,
    recorded.billed_cost,
    ledger.fact_effective_cost,
    recorded.effective_cost
from ledger
left join
    recorded
    on ledger.source = recorded.source
    and ledger.billing_month = recorded.billing_month
    and ledger.billing_currency = recorded.billing_currency
where
    coalesce(recorded.billed_cost, 0) <> ledger.fact_billed_cost
    or coalesce(recorded.effective_cost, 0) <> ledger.fact_effective_cost

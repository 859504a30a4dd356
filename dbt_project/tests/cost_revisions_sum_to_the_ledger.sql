{{ config(meta={"dagster": {"ref": {"name": "fact_belief"}}}) }}

-- All that was ever believed to have changed is what fact_cost says now, by source, billing month and
-- currency.
with
    believed as (
        select
            source,
            billing_month,
            billing_currency,
            sum(billed_change) as billed_cost,
            sum(effective_change) as effective_cost
        from {{ ref("fact_belief") }}
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
    believed.billed_cost,
    ledger.fact_effective_cost,
    believed.effective_cost
from ledger
left join
    believed
    on ledger.source = believed.source
    and ledger.billing_month = believed.billing_month
    and ledger.billing_currency = believed.billing_currency
where
    coalesce(believed.billed_cost, 0) <> ledger.fact_billed_cost
    or coalesce(believed.effective_cost, 0) <> ledger.fact_effective_cost

{{ built_by_period("ledger_fingerprint") }}

-- Cost by set of claims, slice and day. Many charges make the same claims, so owners, the weights of pools
-- and the reconciliation are worked out from these sums and not from charges.
with
    charges as (
        select *
        from {{ charges_to_build(ref("int_charges__metered"), "ledger_fingerprint") }} as current_charges
    )

select
    source,
    billing_month,
    ledger_fingerprint,
    slice_id,
    billing_currency,
    claims,
    cast(charge_period_start as date) as charge_day,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
    cast(sum(list_cost) as decimal(38, 12)) as list_cost,
    cast(sum(contracted_cost) as decimal(38, 12)) as contracted_cost
from charges
group by
    source,
    billing_month,
    ledger_fingerprint,
    slice_id,
    billing_currency,
    claims,
    cast(charge_period_start as date)

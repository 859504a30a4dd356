{{ built_by_period("ledger_fingerprint") }}

-- What claims there are, and how much money makes them, by slice and day: many charges make the same
-- claims. Who owns what, how pools weigh, and whether the ledger is whole, is judged from this and not
-- charge by charge.
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

-- The same money at every stage of its way, by source, billing month and currency: each difference must be 0.
with
    delivered as (
        select source, billing_month, currency as billing_currency, sum(amount) as amount
        from {{ ref("int_delivery_totals__current") }}
        where measure = 'billed_cost' and billing_month is not null
        group by source, billing_month, currency
    ),

    charges as (
        select source, billing_month, billing_currency, sum(billed_cost) as amount
        from {{ ref("int_charges__unified") }}
        group by source, billing_month, billing_currency
    ),

    metered as (
        select
            source,
            billing_month,
            billing_currency,
            sum(billed_cost) as amount,
            sum(effective_cost) as effective
        from {{ ref("int_charges__metered") }}
        group by source, billing_month, billing_currency
    ),

    facts as (
        select
            source,
            billing_month,
            billing_currency,
            sum(billed_cost) as amount,
            sum(effective_cost) as effective
        from {{ ref("fact_cost") }}
        group by source, billing_month, billing_currency
    ),

    statements as (
        select source, billing_month, billing_currency, sum(billed_cost) as amount
        from {{ ref("owner_statement") }}
        group by source, billing_month, billing_currency
    ),

    keys as (
        select source, billing_month, billing_currency
        from delivered
        union
        select source, billing_month, billing_currency
        from charges
        union
        select source, billing_month, billing_currency
        from facts
    )

select
    keys.source,
    keys.billing_month,
    keys.billing_currency,
    cast(coalesce(delivered.amount, 0) as decimal(38, 12)) as delivered_billed_cost,
    cast(coalesce(charges.amount, 0) as decimal(38, 12)) as charges_billed_cost,
    cast(coalesce(facts.amount, 0) as decimal(38, 12)) as fact_billed_cost,
    cast(coalesce(statements.amount, 0) as decimal(38, 12)) as statement_billed_cost,
    cast(coalesce(metered.effective, 0) as decimal(38, 12)) as charges_effective_cost,
    cast(coalesce(facts.effective, 0) as decimal(38, 12)) as fact_effective_cost,
    cast(coalesce(facts.amount, 0) - coalesce(delivered.amount, 0) as decimal(38, 12)) as billed_difference,
    cast(
        coalesce(facts.effective, 0) - coalesce(metered.effective, 0) as decimal(38, 12)
    ) as effective_difference,
    coalesce(delivered.amount, 0) = coalesce(charges.amount, 0)
    and coalesce(charges.amount, 0) = coalesce(facts.amount, 0)
    and coalesce(facts.amount, 0) = coalesce(statements.amount, 0)
    and coalesce(facts.effective, 0) = coalesce(metered.effective, 0) as is_reconciled
from keys
left join
    delivered
    on keys.source = delivered.source
    and keys.billing_month = delivered.billing_month
    and keys.billing_currency = delivered.billing_currency
left join
    charges
    on keys.source = charges.source
    and keys.billing_month = charges.billing_month
    and keys.billing_currency = charges.billing_currency
left join
    metered
    on keys.source = metered.source
    and keys.billing_month = metered.billing_month
    and keys.billing_currency = metered.billing_currency
left join
    facts
    on keys.source = facts.source
    and keys.billing_month = facts.billing_month
    and keys.billing_currency = facts.billing_currency
left join
    statements
    on keys.source = statements.source
    and keys.billing_month = statements.billing_month
    and keys.billing_currency = statements.billing_currency

-- The sum of the same money at each step, by source, billing month and currency: each difference must be
-- 0. Estimates are not delivered but priced from the price book, so they are a step of their own.
with
    stages as (
        select
            'delivered' as stage,
            source,
            billing_month,
            currency as billing_currency,
            amount as billed,
            0 as effective
        from {{ ref("int_delivery_totals__classified") }}
        where measure = 'billed_cost' and billing_month is not null and not is_held

        union all

        select 'held', source, billing_month, currency, amount, 0
        from {{ ref("int_delivery_totals__classified") }}
        where measure = 'billed_cost' and billing_month is not null and is_held

        union all

        select 'estimated', source, billing_month, 'USD', {{ estimated_cost() }}, 0
        from {{ ref("int_llm_estimates__summed") }}
        where ai_provider is not null

        union all

        select 'charges', source, billing_month, billing_currency, billed_cost, effective_cost
        from {{ ref("int_claims__summed") }}

        union all

        select 'facts', source, billing_month, billing_currency, billed_cost, effective_cost
        from {{ ref("fact_cost") }}

        union all

        select 'statement', source, billing_month, billing_currency, billed_cost, effective_cost
        from {{ ref("owner_statement") }}
    ),

    -- A stage without the period counts as 0, so that the difference shows.
    totals as (
        select
            source,
            billing_month,
            billing_currency,
            {% for stage in ["delivered", "held", "estimated", "charges", "facts", "statement"] %}
                cast(
                    sum(case when stage = '{{ stage }}' then coalesce(billed, 0) else 0 end) as decimal(
                        38, 12
                    )
                ) as {{ stage }}_billed_cost,
            {% endfor %}
            cast(
                sum(case when stage = 'charges' then coalesce(effective, 0) else 0 end) as decimal(38, 12)
            ) as charges_effective_cost,
            cast(
                sum(case when stage = 'facts' then coalesce(effective, 0) else 0 end) as decimal(38, 12)
            ) as fact_effective_cost
        from stages
        group by source, billing_month, billing_currency
    )

select
    source,
    billing_month,
    billing_currency,
    delivered_billed_cost,
    estimated_billed_cost,
    charges_billed_cost,
    facts_billed_cost as fact_billed_cost,
    statement_billed_cost,
    charges_effective_cost,
    fact_effective_cost,
    cast(
        facts_billed_cost - delivered_billed_cost - estimated_billed_cost as decimal(38, 12)
    ) as billed_difference,
    cast(fact_effective_cost - charges_effective_cost as decimal(38, 12)) as effective_difference,
    held_billed_cost,
    delivered_billed_cost + estimated_billed_cost = charges_billed_cost
    and charges_billed_cost = facts_billed_cost
    and facts_billed_cost = statement_billed_cost
    and fact_effective_cost = charges_effective_cost as is_reconciled
from totals

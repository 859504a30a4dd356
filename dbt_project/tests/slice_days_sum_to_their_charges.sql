{{ config(meta={"dagster": {"ref": {"name": "fact_cost"}}}) }}

-- The owners' costs of each slice and day add up to its charges, in every measure, to the last digit.
with
    stages as (
        select
            'charges' as stage,
            source,
            billing_month,
            slice_id,
            charge_day,
            billing_currency,
            billed_cost,
            effective_cost,
            list_cost,
            contracted_cost
        from {{ ref("int_claims__summed") }}

        union all

        select
            'facts',
            source,
            billing_month,
            slice_id,
            cast(charge_period_start as date),
            billing_currency,
            billed_cost,
            effective_cost,
            list_cost,
            contracted_cost
        from {{ ref("fact_cost") }}
    )

select source, billing_month, slice_id, charge_day, billing_currency
from stages
group by source, billing_month, slice_id, charge_day, billing_currency
having
    {% for measure in cost_columns() %}
        sum(case when stage = 'charges' then coalesce({{ measure }}, 0) else 0 end) <> sum(
            case when stage = 'facts' then coalesce({{ measure }}, 0) else 0 end
        ) {{ "or" if not loop.last }}
    {% endfor %}

{{ config(meta={"dagster": {"ref": {"name": "fact_cost"}}}) }}

-- The parts of the AI charges in each bucket add up to the billed charges, in every measure, to the last
-- digit.
{%- set bucket = [
    "source", "billing_month", "ai_provider", "ai_model", "ai_token_class", "ai_service_tier", "ai_account", "usage_day"
] %}
with
    stages as (
        select
            'charges' as stage,
            {{ bucket | join(", ") }},
            billed_cost,
            effective_cost,
            list_cost,
            contracted_cost
        from {{ ref("int_llm_charges__bucketed") }}

        union all

        select
            'facts',
            source,
            billing_month,
            ai_provider,
            ai_model,
            ai_token_class,
            ai_service_tier,
            ai_account,
            cast(charge_period_start as date),
            billed_cost,
            effective_cost,
            list_cost,
            contracted_cost
        from {{ ref("fact_cost") }}
        where ai_provider is not null and not is_estimated
    )

select {{ bucket | join(", ") }}
from stages
group by {{ bucket | join(", ") }}
having
    {% for measure in cost_columns() %}
        sum(case when stage = 'charges' then coalesce({{ measure }}, 0) else 0 end) <> sum(
            case when stage = 'facts' then coalesce({{ measure }}, 0) else 0 end
        ) {{ "or" if not loop.last }}
    {% endfor %}

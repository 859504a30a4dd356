{{ built_by_period("ledger_fingerprint") }}

{%- set dimensions = [
    "owner_id",
    "owner_key",
    "pool_owner_id",
    "service_name",
    "resource_id",
    "workflow_id",
    "customer_id",
    "environment",
    "sku_meter",
    "region_id",
    "consumed_unit",
    "charge_category",
    "is_estimated",
    "billing_currency",
] -%}

-- The ledger by day: what series, causes and the daily cost of an analyst are summed from, read once.
with
    costs as (
        select
            charges.source,
            charges.billing_month,
            charges.ledger_fingerprint,
            cast(charges.charge_period_start as date) as cost_day,
            {% for name in dimensions %} charges.{{ name }}, {% endfor %}
            charges.resource_name,
            charges.ai_model as model_id,
            {{ json_text("charges.claims", "llm_key") }} as key_id,
            -- What is charged for a month at once comes by the calendar, whatever its category.
            case
                when
                    charges.charge_category = 'Usage'
                    and {{ dbt.datediff("charges.charge_period_start", "charges.charge_period_end", "day") }}
                    < 27
                then 'usage'
                when
                    charges.charge_category in ('Usage', 'Tax', 'Credit')
                    or charges.charge_frequency = 'Recurring'
                then 'calendar'
                else 'one-off'
            end as cost_pattern,
            charges.billed_cost,
            charges.effective_cost,
            charges.list_cost,
            charges.consumed_quantity
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
    cost_day,
    {% for name in dimensions %} {{ name }}, {% endfor %}
    model_id,
    key_id,
    cost_pattern,
    max(resource_name) as resource_name,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
    cast(sum(list_cost) as decimal(38, 12)) as list_cost,
    cast(sum(consumed_quantity) as decimal(38, 12)) as consumed_quantity,
    cast(count(*) as bigint) as charge_count,
    ledger_fingerprint
from costs
group by
    source,
    billing_month,
    cost_day,
    {% for name in dimensions %} {{ name }}, {% endfor %}
    model_id,
    key_id,
    cost_pattern,
    ledger_fingerprint

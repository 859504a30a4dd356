{{ built_by_period("ledger_fingerprint") }}

{%- set dimensions = [
    "source",
    "billing_month",
    "cost_day",
    "owner_id",
    "owner_key",
    "service_name",
    "workflow_id",
    "customer_id",
    "environment",
    "model_id",
    "charge_category",
    "cost_pattern",
    "is_estimated",
    "billing_currency",
] -%}

-- Cost by day, in the words of an analyst: the ledger without its technical columns, and much smaller.
with
    costs as (
        select daily.*
        from {{ ref("int_cost_daily__detailed") }} as daily
        inner join
            {{ periods_to_build("ledger_fingerprint") }} as periods
            on daily.source = periods.source
            and daily.billing_month = periods.billing_month
            and daily.ledger_fingerprint = periods.ledger_fingerprint
    )

select
    {{ dimensions | join(", ") }},
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
    cast(sum(list_cost) as decimal(38, 12)) as list_cost,
    cast(sum(charge_count) as bigint) as charge_count,
    ledger_fingerprint
from costs
group by {{ dimensions | join(", ") }}, ledger_fingerprint

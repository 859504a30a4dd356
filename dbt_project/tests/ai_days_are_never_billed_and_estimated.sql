{{ config(meta={"dagster": {"ref": {"name": "fact_cost"}}}) }}

-- No dollar counts twice: no day of a provider has both billed and estimated charges.
select ai_provider, cast(charge_period_start as date) as usage_day
from {{ ref("fact_cost") }}
where ai_provider is not null
group by ai_provider, cast(charge_period_start as date)
having sum(case when is_estimated then 1 else 0 end) > 0 and sum(case when is_estimated then 0 else 1 end) > 0

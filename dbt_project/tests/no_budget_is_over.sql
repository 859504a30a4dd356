{{ config(severity="warn") }}

-- No budget of the running month is over, or will be by its forecast.
select
    budget_id,
    owner_id,
    billing_month,
    billing_currency,
    budget_amount,
    spent_cost,
    forecast_cost,
    breach_day,
    status
from {{ ref("fact_budget_status") }}
where is_newest and status <> 'within'

with delivered as (select * from {{ lake_table("raw_registry", "budgets") }})

select
    budget_id,
    owner_id,
    workflow_id,
    monthly_amount,
    currency,
    requests_per_minute,
    tokens_per_minute,
    valid_from,
    valid_to,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

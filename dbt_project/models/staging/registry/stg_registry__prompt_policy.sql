with delivered as (select * from {{ lake_table("raw_registry", "prompt_policy") }})

select
    workflow_id,
    retention_days,
    purpose,
    redaction,
    approved_by,
    valid_from,
    valid_to,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

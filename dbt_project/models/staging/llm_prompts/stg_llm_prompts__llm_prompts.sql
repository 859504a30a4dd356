-- The text itself stays in the lake: no model reads it.
with delivered as (select * from {{ lake_table("raw_llm_prompts", "llm_prompts") }})

select
    source_system,
    request_id,
    workflow,
    {{ utc_timestamp("started_at") }} as started_at,
    position,
    role,
    redaction_policy,
    redactions,
    retention_until,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

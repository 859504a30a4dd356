with delivered as (select * from {{ lake_table("raw_llm_gateway", "dropped_fields") }})

select
    source_system,
    field,
    coalesce(is_usage, false) as is_usage,
    usage_day,
    record_count,
    redacted_count,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

-- An empty text is NULL.
with delivered as (select * from {{ lake_table("raw_llm_providers", "openai_costs") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    amount,
    currency,
    nullif(line_item, '') as line_item,
    quantity,
    nullif(project_id, '') as project_id,
    nullif(api_key_id, '') as api_key_id,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

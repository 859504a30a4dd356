with delivered as (select * from {{ lake_table("raw_llm_providers", "openai_usage") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    endpoint,
    project_id,
    api_key_id,
    user_id,
    model,
    service_tier,
    size,
    source,
    context_level,
    vector_store_id,
    quantity,
    unit,
    num_model_requests,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

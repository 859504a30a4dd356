-- An empty text is NULL.
with delivered as (select * from {{ lake_table("raw_llm_providers", "openai_usage") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    endpoint,
    nullif(project_id, '') as project_id,
    nullif(api_key_id, '') as api_key_id,
    nullif(user_id, '') as user_id,
    nullif(model, '') as model,
    nullif(service_tier, '') as service_tier,
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

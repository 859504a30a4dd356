with delivered as (select * from {{ lake_table("raw_llm_providers", "openai_usage_completions") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    project_id,
    api_key_id,
    user_id,
    model,
    batch,
    service_tier,
    input_tokens,
    input_cached_tokens,
    input_cache_write_tokens,
    output_tokens,
    num_model_requests,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

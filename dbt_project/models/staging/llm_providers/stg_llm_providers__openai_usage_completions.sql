-- An empty text is NULL.
with delivered as (select * from {{ lake_table("raw_llm_providers", "openai_usage_completions") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    nullif(project_id, '') as project_id,
    nullif(api_key_id, '') as api_key_id,
    nullif(user_id, '') as user_id,
    nullif(model, '') as model,
    batch,
    nullif(service_tier, '') as service_tier,
    input_tokens,
    input_cached_tokens,
    input_cache_write_tokens,
    output_tokens,
    input_uncached_tokens,
    input_text_tokens,
    input_cached_text_tokens,
    output_text_tokens,
    input_audio_tokens,
    input_cached_audio_tokens,
    output_audio_tokens,
    input_image_tokens,
    input_cached_image_tokens,
    output_image_tokens,
    num_model_requests,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

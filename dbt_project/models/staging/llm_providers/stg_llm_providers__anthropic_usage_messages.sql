-- An empty text is NULL.
with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_usage_messages") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    nullif(api_key_id, '') as api_key_id,
    nullif(workspace_id, '') as workspace_id,
    nullif(model, '') as model,
    nullif(service_tier, '') as service_tier,
    context_window,
    inference_geo,
    speed,
    nullif(account_id, '') as account_id,
    nullif(service_account_id, '') as service_account_id,
    web_search_requests,
    uncached_input_tokens,
    cache_read_input_tokens,
    cache_write_5m_input_tokens,
    cache_write_1h_input_tokens,
    output_tokens,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

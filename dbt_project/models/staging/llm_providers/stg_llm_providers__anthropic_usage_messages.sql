with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_usage_messages") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    api_key_id,
    workspace_id,
    model,
    service_tier,
    context_window,
    inference_geo,
    speed,
    account_id,
    service_account_id,
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

with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_analytics_usage") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    is_remainder,
    product,
    model,
    context_window,
    inference_geo,
    uncached_input_tokens,
    cache_read_input_tokens,
    cache_write_5m_input_tokens,
    cache_write_1h_input_tokens,
    output_tokens,
    requests,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_analytics_cost") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    is_remainder,
    amount,
    list_amount,
    currency,
    product,
    model,
    cost_type,
    token_type,
    context_window,
    inference_geo,
    requests,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_cost_report") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    amount,
    currency,
    cost_type,
    description,
    model,
    service_tier,
    context_window,
    inference_geo,
    token_type,
    workspace_id,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

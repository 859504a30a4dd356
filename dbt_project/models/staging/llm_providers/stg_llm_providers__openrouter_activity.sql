with delivered as (select * from {{ lake_table("raw_llm_providers", "openrouter_activity") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    amount,
    byok_inference,
    currency,
    model,
    model_permaslug,
    endpoint_id,
    provider_name,
    workspace_id,
    requests,
    prompt_tokens,
    completion_tokens,
    reasoning_tokens,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

-- An empty text is NULL.
with delivered as (select * from {{ lake_table("raw_llm_providers", "openrouter_activity") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    amount,
    byok_inference,
    currency,
    nullif(model, '') as model,
    nullif(model_permaslug, '') as model_permaslug,
    nullif(endpoint_id, '') as endpoint_id,
    nullif(provider_name, '') as provider_name,
    nullif(workspace_id, '') as workspace_id,
    requests,
    prompt_tokens,
    completion_tokens,
    reasoning_tokens,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

-- An empty text is NULL.
with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_cost_report") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    amount,
    currency,
    nullif(cost_type, '') as cost_type,
    nullif(description, '') as description,
    nullif(model, '') as model,
    nullif(service_tier, '') as service_tier,
    nullif(context_window, '') as context_window,
    nullif(inference_geo, '') as inference_geo,
    nullif(token_type, '') as token_type,
    nullif(workspace_id, '') as workspace_id,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

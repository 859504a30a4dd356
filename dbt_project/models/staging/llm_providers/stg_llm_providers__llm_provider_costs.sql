-- An empty text is NULL.
with delivered as (select * from {{ lake_table("raw_llm_providers", "llm_provider_costs") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    provider,
    coalesce(provider_id, {{ canonical_provider("provider") }}) as provider_id,
    nullif(account, '') as account,
    nullif(model, '') as model,
    nullif(token_class, '') as token_class,
    nullif(service_tier, '') as service_tier,
    quantity,
    nullif(unit, '') as unit,
    amount,
    currency,
    nullif(description, '') as description,
    nullif(key, '') as key,
    file,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

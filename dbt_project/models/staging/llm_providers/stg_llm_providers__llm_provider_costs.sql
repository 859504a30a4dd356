with delivered as (select * from {{ lake_table("raw_llm_providers", "llm_provider_costs") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    provider,
    account,
    model,
    token_class,
    service_tier,
    quantity,
    unit,
    amount,
    currency,
    description,
    key,
    file,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

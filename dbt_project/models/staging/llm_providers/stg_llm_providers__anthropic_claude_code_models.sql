with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_claude_code_models") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    actor_kind,
    actor,
    customer_type,
    terminal_type,
    model,
    input_tokens,
    output_tokens,
    cache_read_tokens,
    cache_creation_tokens,
    estimated_cost,
    currency,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

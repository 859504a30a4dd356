with delivered as (select * from {{ lake_table("raw_vercel", "ai_gateway_report") }})

select
    usage_day,
    dimension,
    value,
    total_cost,
    market_cost,
    input_tokens,
    output_tokens,
    cached_input_tokens,
    cache_write_tokens,
    reasoning_tokens,
    request_count,
    extra,
    slice_id,
    delivery_load_id as load_id
from delivered

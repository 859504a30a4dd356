with report as (select * from {{ ref("stg_vercel__ai_gateway_report") }})

select
    'vercel' as source,
    usage_day,
    dimension,
    value,
    cast(sum(total_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(market_cost) as decimal(38, 12)) as list_cost,
    'USD' as billing_currency,
    cast(sum(request_count) as bigint) as request_count,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(cached_input_tokens) as bigint) as cached_input_tokens,
    cast(sum(cache_write_tokens) as bigint) as cache_write_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(reasoning_tokens) as bigint) as reasoning_tokens
from report
group by usage_day, dimension, value

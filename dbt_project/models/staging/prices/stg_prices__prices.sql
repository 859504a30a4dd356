with delivered as (select * from {{ lake_table("raw_prices", "prices") }})

select
    price_book_version,
    provider,
    model_id,
    service_tier,
    lower(nullif(region, '')) as region,
    price_key,
    context_min_tokens,
    context_max_tokens,
    usd,
    per,
    valid_from,
    valid_to,
    -- Books from before prices had days of the week.
    coalesce(weekday_from, 1) as weekday_from,
    coalesce(weekday_to, 8) as weekday_to,
    day_second_from,
    day_second_to,
    slice_id,
    delivery_load_id as load_id
from delivered

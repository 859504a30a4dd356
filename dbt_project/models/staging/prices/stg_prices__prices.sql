with delivered as (select * from {{ lake_table("raw_prices", "prices") }})

select
    price_book_version,
    provider,
    model_id,
    service_tier,
    price_key,
    context_min_tokens,
    context_max_tokens,
    usd,
    per,
    valid_from,
    valid_to,
    day_second_from,
    day_second_to,
    slice_id,
    delivery_load_id as load_id
from delivered

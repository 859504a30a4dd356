{{ config(materialized="table") }}

{%- set card = [
    "price_book_version", "provider", "model_id", "service_tier", "region", "valid_from", "valid_to", "weekday_from",
    "weekday_to", "day_second_from", "day_second_to", "context_min_tokens", "context_max_tokens",
] %}

-- Prices side by side: one row a card, USD for a million units. A kind of token without a price of its own
-- has that of its wider kind: a token read from a cache is an input token, never free.
with
    prices as (
        select prices.*, cast(usd * cast(1000000 / per as integer) as decimal(38, 12)) as usd_a_million
        from {{ ref("stg_prices__prices") }} as prices
        where per in (1000000, 1000)
    ),

    pivoted as (
        select
            {{ card | join(", ") }},
            {% for column, price_key in [
                ("input", "input_mtok"),
                ("cache_read", "cache_read_mtok"),
                ("cache_write", "cache_write_mtok"),
                ("cache_write_5m", "cache_write_5m_mtok"),
                ("cache_write_1h", "cache_write_1h_mtok"),
                ("input_audio", "input_audio_mtok"),
                ("input_image", "input_image_mtok"),
                ("input_video", "input_video_mtok"),
                ("output", "output_mtok"),
                ("output_audio", "output_audio_mtok"),
                ("output_image", "output_image_mtok"),
                ("output_video", "output_video_mtok"),
                ("output_reasoning", "output_reasoning_mtok"),
                ("web_search", "web_searches_kcount"),
                ("request", "requests_kcount"),
            ] %}
                max(case when price_key = '{{ price_key }}' then usd_a_million end) as {{ column }}_usd
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from prices
        group by {{ card | join(", ") }}
    )

select
    {{
        md5_key([
            "price_book_version", "provider", "model_id", "service_tier", "coalesce(region, '')",
            "cast(valid_from as string)", "cast(weekday_from as string)", "cast(day_second_from as string)", "cast(coalesce(context_min_tokens, -1) as string)",
        ])
    }}
    as card_key,
    {{ card | join(", ") }},
    input_usd,
    coalesce(input_audio_usd, input_usd) as input_audio_usd,
    coalesce(input_image_usd, input_usd) as input_image_usd,
    coalesce(input_video_usd, input_usd) as input_video_usd,
    coalesce(cache_read_usd, input_usd) as cache_read_usd,
    coalesce(cache_write_5m_usd, cache_write_usd, input_usd) as cache_write_5m_usd,
    coalesce(cache_write_1h_usd, cache_write_usd, input_usd) as cache_write_1h_usd,
    output_usd,
    coalesce(output_audio_usd, output_usd) as output_audio_usd,
    coalesce(output_image_usd, output_usd) as output_image_usd,
    coalesce(output_video_usd, output_usd) as output_video_usd,
    coalesce(output_reasoning_usd, output_usd) as output_reasoning_usd,
    web_search_usd,
    request_usd
from pivoted
where input_usd is not null or output_usd is not null

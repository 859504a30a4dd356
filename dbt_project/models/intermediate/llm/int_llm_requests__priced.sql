{%- set rates = [
    "input", "input_audio", "input_image", "input_video", "cache_read", "cache_write_5m", "cache_write_1h", "output",
    "output_audio", "output_image", "output_video", "output_reasoning", "web_search", "request",
] -%}
{%- set classes = [
    "input", "cached_input", "cache_write_5m", "cache_write_1h", "output", "web_search", "request",
] -%}

-- A view: fact_llm_request writes its rows. No CTE is read twice: DuckDB would materialise it, and compute
-- every column of a request for readers that need a few.
with
    requests as (
        select
            request.*,
            served_model as raw_model,
            case when is_batch then 'batch' else served_tier end as priced_tier,
            {{ iso_weekday("request.usage_day") }} as weekday,
            {{ second_of_day("started_at") }} as second_of_day
        from {{ ref("int_llm_requests__deduplicated") }} as request
    ),

    books as (
        select billing_month, price_book_version, true as is_assigned_book
        from {{ ref("int_llm_price_books__assigned") }}

        union all

        select billing_month, newest_price_book_version, false
        from {{ ref("int_llm_price_books__assigned") }}
        where newest_price_book_version <> price_book_version
    ),

    billing as (select * from {{ ref("int_llm_billing__watermarked") }}),

    aliases as (select * from {{ ref("int_llm_models__aliased") }}),

    cards as (
        select
            prices.*,
            coalesce(region, '') as priced_region,
            -- Plain comparisons: with an `or` DuckDB would compare every request with every card.
            coalesce(context_min_tokens, -1) as context_above,
            coalesce(context_max_tokens, 9223372036854775807) as context_up_to,
            {% for rate in rates %}
                {{ to_units(rate ~ "_usd") }} as {{ rate }}_rate {% if not loop.last %}, {% endif %}
            {% endfor %}
        from {{ ref("int_llm_prices__pivoted") }} as prices
    ),

    regions as (
        select distinct price_book_version, provider, model_id, region
        from {{ ref("int_llm_prices__pivoted") }}
        where region is not null
    ),

    -- A bill covers all days of its month before its watermark, also those without a line
    -- (docs/decisions/0013). The other paid requests are unbilled.
    named as (
        select
            requests.*,
            books.price_book_version,
            books.is_assigned_book,
            requests.is_billed and requests.provider is not null and billing.biller is null as is_unbilled,
            aliases.price_provider,
            aliases.price_model_id
        from requests
        inner join books on requests.billing_month = books.billing_month
        left join
            billing
            on {{ llm_biller("requests.provider") }} = billing.biller
            and {{ month_text("requests.usage_day") }} = billing.billing_month
            and cast(requests.usage_day as timestamp) < billing.billing_watermark
        left join
            aliases
            on books.price_book_version = aliases.price_book_version
            and requests.provider = aliases.provider
            and requests.raw_model = aliases.raw_model
    ),

    -- Most models cost the same at every place.
    placed as (
        select named.*, coalesce(regions.region, '') as priced_region
        from named
        left join
            regions
            on named.price_book_version = regions.price_book_version
            and named.price_provider = regions.provider
            and named.price_model_id = regions.model_id
            and lower(named.region) = regions.region
    ),

    with_card as (
        select
            named.*,
            cards.card_key,
            {% for rate in rates %} cards.{{ rate }}_rate, {% endfor %}
            -- Images, seconds, characters, pages, searches: paid, and not counted in tokens.
            coalesce(
                named.is_billed
                and (named.usage_source = 'missing' or named.input_tokens is null)
                and named.reported_cost <> 0,
                false
            ) as is_without_tokens,
            case
                when not named.is_billed
                then 'not_billed'
                when
                    (named.usage_source = 'missing' or named.input_tokens is null)
                    and coalesce(named.reported_cost, 0) <> 0
                then null
                when
                    named.usage_source = 'missing'
                    or named.input_tokens is null
                    or (named.output_tokens is null and cards.output_rate is not null)
                then 'usage_missing'
            end as not_priced
        from placed as named
        left join
            cards
            on named.price_book_version = cards.price_book_version
            and named.price_provider = cards.provider
            and named.price_model_id = cards.model_id
            and named.priced_tier = cards.service_tier
            and named.priced_region = cards.priced_region
            and named.usage_day >= cards.valid_from
            and named.usage_day < cards.valid_to
            and named.weekday >= cards.weekday_from
            and named.weekday < cards.weekday_to
            and named.second_of_day >= cards.day_second_from
            and named.second_of_day < cards.day_second_to
            and named.input_tokens > cards.context_above
            and named.input_tokens <= cards.context_up_to
    ),

    by_class as (
        select
            with_card.*,
            {% for class in classes %}
                case
                    when not_priced is null and not is_without_tokens and card_key is not null
                    then {{ llm_cost_units(class) }}
                end as {{ class }}_cost_units,
            {% endfor %}
            case
                when not_priced is null and not is_without_tokens and card_key is not null
                then {{ llm_savings_units() }}
            end as savings_units
        from with_card
    ),

    summed as (
        select by_class.*, {{ classes | join("_cost_units + ") }}_cost_units as cost_units from by_class
    ),

    costed as (
        select
            summed.*,
            {{ millionth("cost_units") }} as computed_list_cost,
            {{ millionth("savings_units") }} as cache_savings
        from summed
    )

select
    costed.*,
    coalesce(
        not_priced, case when computed_list_cost is null then 'unpriced' else 'priced' end
    ) as pricing_status,
    case
        when not_priced is not null or computed_list_cost is not null
        then null
        when provider is null
        then 'no_provider'
        when raw_model is null
        then 'no_model'
        when is_without_tokens
        then 'no_tokens'
        when price_model_id is null
        then 'unknown_model'
        when card_key is null and priced_tier <> 'standard'
        then 'no_price_for_tier'
        when card_key is not null and web_search_rate is null and web_search_count > 0
        then 'no_price_for_web_search'
        else 'no_price_for_tokens'
    end as unpriced_reason
from costed

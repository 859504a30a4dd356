{#-
    What a request costs at list price. Its price card (int_llm_prices__pivoted) gives a rate for each kind of unit: a whole
    number of 10^-18 USD. What they come to is rounded once, to 10^-12. The rates are made of the cards and not of the
    requests: whole numbers are cheap to multiply, decimals are not.
-#}
{% macro llm_cost_units(classes=none) %}
    {#-
        The list price of a request beside its card's rates, in 10^-18 USD. NULL where a unit that was used has no price.
        `classes` (of `llm_cost_classes`): what of it these come to.

        Input tokens include what was read from and written to caches; audio is of what was not cached; output tokens
        include audio and reasoning. So every token is counted once.
    -#}
    {%- set fresh = llm_fresh_tokens() -%}
    {%- set audio_in -%} least(coalesce(input_audio_tokens, 0), {{ fresh }}) {%- endset -%}
    {%- set written -%} coalesce(output_tokens, 0) {%- endset -%}
    {%- set audio_out -%} least(coalesce(output_audio_tokens, 0), {{ written }}) {%- endset -%}
    {%- set reasoned -%} least(coalesce(reasoning_tokens, 0), {{ written }} - {{ audio_out }}) {%- endset -%}
    {%- set terms = ["coalesce(request_rate, 0)"] if classes is none or "request" in classes else [] -%}
    {%- for class, count, rate in [
        ("input", fresh ~ " - " ~ audio_in, "input_rate"),
        ("input", audio_in, "input_audio_rate"),
        ("cached_input", "coalesce(cache_read_tokens, 0)", "cache_read_rate"),
        ("cache_write_5m", "coalesce(cache_write_5m_tokens, 0)", "cache_write_5m_rate"),
        ("cache_write_1h", "coalesce(cache_write_1h_tokens, 0)", "cache_write_1h_rate"),
        ("output", written ~ " - " ~ audio_out ~ " - " ~ reasoned, "output_rate"),
        ("output", audio_out, "output_audio_rate"),
        ("output", reasoned, "output_reasoning_rate"),
        ("web_search", "coalesce(web_search_count, 0)", "web_search_rate"),
    ] if classes is none or class in classes -%}
        {%- do terms.append(
            "case when " ~ count ~ " = 0 then 0 else " ~ whole_number(count) ~ " * " ~ rate ~ " end"
        ) -%}
    {%- endfor -%}
    {{ terms | join(" + ") }}
{% endmacro %}

{% macro llm_fresh_tokens() %}
    {#- The input tokens of a request that no cache had anything to do with. -#}
    {%- set cached = "coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)" -%}
    {{- return("greatest(input_tokens - (" ~ cached ~ "), 0)") -}}
{% endmacro %}

{% macro llm_cost_classes() %}
    {#-
        What the list price of a request is made of, and the count that each is for: the classes of tokens, web searches,
        and a price of the request itself.
    -#}
    {{
        return([
            ("input", llm_fresh_tokens()), ("cached_input", "cache_read_tokens"),
            ("cache_write_5m", "cache_write_5m_tokens"), ("cache_write_1h", "cache_write_1h_tokens"),
            ("output", "output_tokens"), ("web_search", "web_search_count"), ("request", none),
        ])
    }}
{% endmacro %}

{% macro llm_savings_units() %}
    {#-
        What a request would have cost more (less, if negative) had the provider's cache not been used, at list price, in
        10^-18 USD.
    -#}
    {%- set terms = [] -%}
    {%- for kind in ["cache_read", "cache_write_5m", "cache_write_1h"] -%}
        {%- set tokens = whole_number("coalesce(" ~ kind ~ "_tokens, 0)") -%}
        {%- do terms.append(tokens ~ " * (input_rate - " ~ kind ~ "_rate)") -%}
    {%- endfor -%}
    {{ terms | join(" + ") }}
{% endmacro %}

{% macro millionth(units) %}
    {#- A column of whole numbers of 10^-18 as DECIMAL(38,12), rounded half away from zero. -#}
    {{ from_units(whole_quotient(units ~ " + case when " ~ units ~ " < 0 then -500000 else 500000 end", "1000000")) }}
{% endmacro %}

{% macro is_on_card() %}
    {#- Whether a price card holds for a request: its UTC day, its second of that day, and its size. -#}
    named.usage_day >= cards.valid_from
    and named.usage_day < cards.valid_to
    and named.second_of_day >= cards.day_second_from
    and named.second_of_day < cards.day_second_to
    and named.input_tokens > cards.context_above
    and named.input_tokens <= cards.context_up_to
{% endmacro %}

{% macro llm_priced(requests, months) %}
    {#-
        Requests with what they cost at list price, from a relation of them and one of `billing_month` and the
        `price_book_version` that prices it. For use as the body of a model.
    -#}
    {%- set kinds = [
        "input", "input_audio", "cache_read", "cache_write_5m", "cache_write_1h", "output", "output_audio",
        "output_reasoning", "web_search", "request",
    ] -%}
    {%- set classes = [
        "input", "cached_input", "cache_write_5m", "cache_write_1h", "output", "web_search", "request",
    ] %}
    with
        requests as (
            select
                request.*,
                coalesce(request.response_model, request.request_model) as raw_model,
                case when request.is_batch then 'batch' else request.served_tier end as priced_tier
            from {{ requests }} as request
        ),

        months as (select billing_month, price_book_version from {{ months }}),

        aliases as (select * from {{ ref("int_llm_models__aliased") }}),

        cards as (
            select
                card_key,
                price_book_version,
                provider,
                model_id,
                service_tier,
                valid_from,
                valid_to,
                day_second_from,
                day_second_to,
                -- Plain comparisons: with an `or` DuckDB would compare every request with every card.
                coalesce(context_min_tokens, -1) as context_above,
                coalesce(context_max_tokens, 9223372036854775807) as context_up_to,
                {% for kind in kinds %}
                    {{ to_units(kind ~ "_usd") }} as {{ kind }}_rate {% if not loop.last %}, {% endif %}
                {% endfor %}
            from {{ ref("int_llm_prices__pivoted") }}
        ),

        named as (
            select
                requests.*,
                {{ second_of_day("requests.started_at") }} as second_of_day,
                months.price_book_version,
                aliases.price_provider,
                aliases.price_model_id
            from requests
            inner join months on requests.billing_month = months.billing_month
            left join
                aliases
                on months.price_book_version = aliases.price_book_version
                and requests.provider = aliases.provider
                and requests.raw_model = aliases.raw_model
        ),

        with_card as (
            select
                named.*,
                cards.card_key,
                {% for kind in kinds %} cards.{{ kind }}_rate, {% endfor %}
                case
                    when not named.is_billed
                    then 'not_billed'
                    when
                        named.usage_source = 'missing'
                        or named.input_tokens is null
                        or (named.output_tokens is null and cards.output_rate is not null)
                    then 'usage_missing'
                end as not_priced
            from named
            left join
                cards
                on named.price_book_version = cards.price_book_version
                and named.price_provider = cards.provider
                and named.price_model_id = cards.model_id
                and named.priced_tier = cards.service_tier
                and {{ is_on_card() }}
        ),

        summed as (
            select
                with_card.*,
                case
                    when not_priced is null and card_key is not null then {{ llm_cost_units() }}
                end as cost_units,
                {% for class in classes %}
                    case
                        when not_priced is null and card_key is not null then {{ llm_cost_units([class]) }}
                    end as {{ class }}_cost_units,
                {% endfor %}
                case
                    when not_priced is null and card_key is not null then {{ llm_savings_units() }}
                end as savings_units
            from with_card
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
            when price_model_id is null
            then 'unknown_model'
            when card_key is null and priced_tier <> 'standard'
            then 'no_price_for_tier'
            when card_key is not null and web_search_rate is null and web_search_count > 0
            then 'no_price_for_web_search'
            else 'no_price_for_tokens'
        end as unpriced_reason
    from costed
{% endmacro %}

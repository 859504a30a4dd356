{#-
    What a request costs at list price. A price card (int_llm_prices__carded) has USD for a million of each kind of unit;
    amounts are whole numbers of 10^-18 USD until they are rounded, once, half up to 10^-12.
-#}
{% macro llm_list_cost() %}
    {#-
        The list price of a request beside its card, DECIMAL(38,12). NULL where a unit that was used has no price.

        Input tokens include what was read from and written to caches; audio is of what was not cached; output tokens
        include audio and reasoning. So every token is counted once.
    -#}
    {%- set cached -%}
        coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
    {%- endset -%}
    {%- set fresh -%} greatest(input_tokens - ({{ cached }}), 0) {%- endset -%}
    {%- set audio_in -%} least(coalesce(input_audio_tokens, 0), {{ fresh }}) {%- endset -%}
    {%- set written -%} coalesce(output_tokens, 0) {%- endset -%}
    {%- set audio_out -%} least(coalesce(output_audio_tokens, 0), {{ written }}) {%- endset -%}
    {%- set reasoned -%} least(coalesce(reasoning_tokens, 0), {{ written }} - {{ audio_out }}) {%- endset -%}
    {%- set terms = [to_units("coalesce(request_usd, 0)")] -%}
    {%- for count, price in [
        (fresh ~ " - " ~ audio_in, "input_usd"),
        (audio_in, "input_audio_usd"),
        ("coalesce(cache_read_tokens, 0)", "cache_read_usd"),
        ("coalesce(cache_write_5m_tokens, 0)", "cache_write_5m_usd"),
        ("coalesce(cache_write_1h_tokens, 0)", "cache_write_1h_usd"),
        (written ~ " - " ~ audio_out ~ " - " ~ reasoned, "output_usd"),
        (audio_out, "output_audio_usd"),
        (reasoned, "output_reasoning_usd"),
        ("coalesce(web_search_count, 0)", "web_search_usd"),
    ] -%}
        {%- set amount = whole_number(count) ~ " * " ~ to_units(price) -%}
        {%- do terms.append("case when " ~ count ~ " = 0 then 0 else " ~ amount ~ " end") -%}
    {%- endfor -%}
    {{ millionth(terms | join(" + ")) }}
{% endmacro %}

{% macro llm_cache_savings() %}
    {#- What a request would have cost more (less, if negative) had the provider's cache not been used, at list price. -#}
    {%- set terms = [] -%}
    {%- for count, price in [
        ("cache_read_tokens", "cache_read_usd"),
        ("cache_write_5m_tokens", "cache_write_5m_usd"),
        ("cache_write_1h_tokens", "cache_write_1h_usd"),
    ] -%}
        {%- set saved = to_units("(input_usd - " ~ price ~ ")") -%}
        {%- do terms.append(whole_number("coalesce(" ~ count ~ ", 0)") ~ " * " ~ saved) -%}
    {%- endfor -%}
    {{ millionth(terms | join(" + ")) }}
{% endmacro %}

{% macro millionth(units) %}
    {#- A whole number of 10^-18 as DECIMAL(38,12), rounded half away from zero. -#}
    {%- set half -%} case when {{ units }} < 0 then -500000 else 500000 end {%- endset -%}
    {{ from_units(whole_quotient("(" ~ units ~ " + " ~ half ~ ")", "1000000")) }}
{% endmacro %}

{% macro is_on_card() %}
    {#- Whether a price card holds for a request: its UTC day, its second of that day, and its size. -#}
    usage_day >= valid_from
    and usage_day < valid_to
    and {{ second_of_day("started_at") }} >= day_second_from
    and {{ second_of_day("started_at") }} < day_second_to
    and (context_min_tokens is null or input_tokens > context_min_tokens)
    and (context_max_tokens is null or input_tokens <= context_max_tokens)
{% endmacro %}

{% macro llm_priced(requests, months) %}
    {#-
        Requests with what they cost at list price, from a relation of them and one of `billing_month` and the
        `price_book_version` that prices it. For use as the body of a model.
    -#}
    with
        requests as (
            select
                request.*,
                coalesce(request.response_model, request.request_model) as raw_model,
                case when request.is_batch then 'batch' else request.served_tier end as priced_tier
            from {{ requests }} as request
        ),

        months as (select billing_month, price_book_version from {{ months }}),

        aliases as (select * from {{ ref("stg_prices__model_aliases") }}),

        cards as (select * from {{ ref("int_llm_prices__carded") }}),

        named as (
            select requests.*, months.price_book_version, aliases.price_provider, aliases.price_model_id
            from requests
            inner join months on requests.billing_month = months.billing_month
            left join
                aliases
                on months.price_book_version = aliases.price_book_version
                and requests.provider = aliases.provider
                and requests.raw_model = aliases.raw_model
        ),

        carded as (
            select
                named.*,
                cards.card_key,
                cards.input_usd,
                cards.input_audio_usd,
                cards.cache_read_usd,
                cards.cache_write_5m_usd,
                cards.cache_write_1h_usd,
                cards.output_usd,
                cards.output_audio_usd,
                cards.output_reasoning_usd,
                cards.web_search_usd,
                cards.request_usd,
                case
                    when not named.is_billed
                    then 'not_billed'
                    when
                        named.usage_source = 'missing'
                        or named.input_tokens is null
                        or (named.output_tokens is null and cards.output_usd is not null)
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

        costed as (
            select
                carded.*,
                case
                    when not_priced is null and card_key is not null then {{ llm_list_cost() }}
                end as computed_list_cost,
                case
                    when not_priced is null and card_key is not null then {{ llm_cache_savings() }}
                end as cache_savings
            from carded
        )

    select
        costed.*,
        coalesce(
            not_priced, case when computed_list_cost is null then 'unpriced' else 'priced' end
        ) as pricing_status,
        case
            when not_priced is not null or computed_list_cost is not null
            then null
            when price_model_id is null
            then 'unknown_model'
            when card_key is null and priced_tier <> 'standard'
            then 'no_price_for_tier'
            when card_key is not null and web_search_usd is null and web_search_count > 0
            then 'no_price_for_web_search'
            else 'no_price_for_tokens'
        end as unpriced_reason
    from costed
{% endmacro %}

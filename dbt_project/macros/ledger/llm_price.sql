{#-
    The list price of a request, from the rates of its price card: whole numbers of 10^-18 USD for a unit. Their sum is rounded
    once, to 10^-12. Whole numbers are cheap to multiply, decimals are not.
-#}
{% macro llm_cost_units(class) %}
    {#-
        What a cost class (`llm_cost_classes`) of a request comes to, in 10^-18 USD. NULL where a unit that was used has no
        price.

        Input tokens include cache reads and writes; audio, images and videos are part of what no cache touched; output tokens
        include them and reasoning. So every token is counted once.
    -#}
    {%- set quantities = {
        "cached_input": ("coalesce(cache_read_tokens, 0)", "cache_read_rate"),
        "cache_write_5m": ("coalesce(cache_write_5m_tokens, 0)", "cache_write_5m_rate"),
        "cache_write_1h": ("coalesce(cache_write_1h_tokens, 0)", "cache_write_1h_rate"),
        "web_search": ("coalesce(web_search_count, 0)", "web_search_rate"),
    } -%}
    {%- if class == "request" -%} coalesce(request_rate, 0)
    {%- elif class == "input" -%}
        {{ llm_units_by_part(llm_fresh_tokens(), "input", ["input_audio", "input_image", "input_video"]) }}
    {%- elif class == "output" -%}
        {{
            llm_units_by_part(
                "coalesce(output_tokens, 0)",
                "output",
                ["output_audio", "output_image", "output_video", "output_reasoning"],
            )
        }}
    {%- else -%} {{ llm_units(*quantities[class]) }}
    {%- endif -%}
{% endmacro %}

{% macro llm_units(quantity, rate) %}
    {#- A quantity at its rate. One of 0 needs no price. -#}
    case when {{ quantity }} = 0 then 0 else {{ whole_number(quantity) }} * {{ rate }} end
{% endmacro %}

{% macro llm_units_by_part(whole, kind, parts) %}
    {#-
        Tokens at the rates of their parts, the rest at the rate of the whole. The parts are taken in their order, as far as the
        whole has room for them.
    -#}
    {%- set counts, taken = [], ["0"] -%}
    {%- for part in parts -%}
        {%- do counts.append("coalesce(" ~ part.replace("output_reasoning", "reasoning") ~ "_tokens, 0)") -%}
        {%- do taken.append("least(" ~ counts | join(" + ") ~ ", " ~ whole ~ ")") -%}
        {{ llm_units(taken[-1] ~ " - " ~ taken[-2], part ~ "_rate") }} +
    {% endfor -%}
    {{ llm_units(whole ~ " - " ~ taken[-1], kind ~ "_rate") }}
{% endmacro %}

{% macro llm_fresh_tokens() %}
    {#- The input tokens of a request that no cache touched. -#}
    {%- set cached = "coalesce(cache_read_tokens, 0) + coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)" -%}
    {{- return("greatest(input_tokens - (" ~ cached ~ "), 0)") -}}
{% endmacro %}

{% macro llm_cost_classes() %}
    {#-
        The classes that a request's list price adds up from, each with its quantity: token classes, web searches, and the
        price of the request itself.
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
        What the provider's cache saved of a request's list price (negative: what it cost more), in 10^-18 USD.
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

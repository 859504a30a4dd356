{#-
    The list price of a request, from the rates of its price card: whole numbers of 10^-18 USD for a unit. Their sum is rounded
    once, to 10^-12. Whole numbers are cheap to multiply, decimals are not.
-#}
{% macro llm_cost_units(class) %}
    {#-
        What a cost class (`llm_cost_classes`) of a request comes to, in 10^-18 USD. NULL where a unit that was used has no
        price.

        Input tokens include cache reads and writes; audio is part of what no cache touched; output tokens include audio and
        reasoning. So every token is counted once.
    -#}
    {%- set fresh = llm_fresh_tokens() -%}
    {%- set audio_in -%} least(coalesce(input_audio_tokens, 0), {{ fresh }}) {%- endset -%}
    {%- set all_output -%} coalesce(output_tokens, 0) {%- endset -%}
    {%- set audio_out -%} least(coalesce(output_audio_tokens, 0), {{ all_output }}) {%- endset -%}
    {%- set reasoning -%} least(coalesce(reasoning_tokens, 0), {{ all_output }} - {{ audio_out }}) {%- endset -%}
    {%- set quantities = {
        "input": [(fresh ~ " - " ~ audio_in, "input_rate"), (audio_in, "input_audio_rate")],
        "cached_input": [("coalesce(cache_read_tokens, 0)", "cache_read_rate")],
        "cache_write_5m": [("coalesce(cache_write_5m_tokens, 0)", "cache_write_5m_rate")],
        "cache_write_1h": [("coalesce(cache_write_1h_tokens, 0)", "cache_write_1h_rate")],
        "output": [
            (all_output ~ " - " ~ audio_out ~ " - " ~ reasoning, "output_rate"),
            (audio_out, "output_audio_rate"),
            (reasoning, "output_reasoning_rate"),
        ],
        "web_search": [("coalesce(web_search_count, 0)", "web_search_rate")],
    } -%}
    {%- if class == "request" -%} coalesce(request_rate, 0)
    {%- else -%}
        {%- for quantity, rate in quantities[class] -%}
            case when {{ quantity }} = 0 then 0 else {{ whole_number(quantity) }} * {{ rate }} end
            {{- " + " if not loop.last -}}
        {%- endfor -%}
    {%- endif -%}
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

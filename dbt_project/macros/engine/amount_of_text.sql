{% macro amount_of_text(expression) %}
    {#- An amount given as text, as DECIMAL(38,12), rounded half up; NULL where the text is no number. -#}
    {{- return(adapter.dispatch("amount_of_text")(expression)) -}}
{% endmacro %}

{#- As in decimal_text: 64 bits are read several times as fast as 128, and most amounts fit. -#}
{% macro duckdb__amount_of_text(expression) %}
    coalesce(
        cast(try_cast({{ expression }} as decimal(18, 12)) as decimal(38, 12)),
        try_cast({{ expression }} as decimal(38, 12))
    )
{% endmacro %}

{% macro spark__amount_of_text(expression) %} try_cast({{ expression }} as decimal(38, 12)) {% endmacro %}

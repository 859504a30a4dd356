{% macro amount_of_text(expression) %}
    {#- An amount given as text, as DECIMAL(38,12), rounded half up; NULL where the text is no number. -#}
    {{- return(adapter.dispatch("amount_of_text")(expression)) -}}
{% endmacro %}

{#-
    As in decimal_text: 64 bits are read several times as fast as 128, and most amounts fit. A text with a negative exponent is
    read with 30 places first, because DuckDB casts 9E-14 to 0.000000000001.
-#}
{% macro duckdb__amount_of_text(expression) %}
    coalesce(
        case
            when contains(lower({{ expression }}), 'e-')
            then cast(try_cast({{ expression }} as decimal(38, 30)) as decimal(38, 12))
            else cast(try_cast({{ expression }} as decimal(18, 12)) as decimal(38, 12))
        end,
        try_cast({{ expression }} as decimal(38, 12))
    )
{% endmacro %}

{% macro spark__amount_of_text(expression) %} try_cast({{ expression }} as decimal(38, 12)) {% endmacro %}

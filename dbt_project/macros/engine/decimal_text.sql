{% macro decimal_text(expression) %}
    {#- An amount of 12 places as text, all places written: `0.000000120000`. -#}
    {{- return(adapter.dispatch("decimal_text")(expression)) -}}
{% endmacro %}

{#- DuckDB writes 64 bits five times as fast as 128, and most amounts fit: the text is the same. -#}
{% macro duckdb__decimal_text(expression) %}
    coalesce(
        cast(try_cast({{ expression }} as decimal(18, 12)) as string),
        cast(cast({{ expression }} as decimal(38, 12)) as string)
    )
{% endmacro %}

{#- Spark's own text of a small amount is `1.2E-7`. -#}
{% macro spark__decimal_text(expression) %}
    format_number(cast({{ expression }} as decimal(38, 12)), '0.000000000000')
{% endmacro %}

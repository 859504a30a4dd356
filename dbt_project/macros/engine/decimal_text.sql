{% macro decimal_text(expression) %}
    {#- An amount of 12 places as text, all places written: `0.000000120000`. -#}
    {{- return(adapter.dispatch("decimal_text")(expression)) -}}
{% endmacro %}

{% macro duckdb__decimal_text(expression) %}
    cast(cast({{ expression }} as decimal(38, 12)) as string)
{% endmacro %}

{#- Spark's own text of a small amount is `1.2E-7`. -#}
{% macro spark__decimal_text(expression) %}
    format_number(cast({{ expression }} as decimal(38, 12)), '0.000000000000')
{% endmacro %}

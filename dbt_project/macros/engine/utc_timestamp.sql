{% macro utc_timestamp(column) %}
    {#- An instant of the lake as a timestamp that is in UTC by convention. -#}
    {{- return(adapter.dispatch("utc_timestamp")(column)) -}}
{% endmacro %}

{% macro duckdb__utc_timestamp(column) %} timezone('UTC', {{ column }}) {% endmacro %}

{% macro spark__utc_timestamp(column) %} cast({{ column }} as timestamp) {% endmacro %}

{% macro iso_weekday(column) %}
    {#- 1 (Monday) to 7 (Sunday). -#}
    {{- return(adapter.dispatch("iso_weekday")(column)) -}}
{% endmacro %}

{% macro duckdb__iso_weekday(column) %} cast(isodow({{ column }}) as integer) {% endmacro %}

{% macro spark__iso_weekday(column) %} cast(weekday({{ column }}) + 1 as integer) {% endmacro %}

{% macro month_text(column) %}
    {#- The month of a date as YYYY-MM. -#}
    substr(cast({{ column }} as string), 1, 7)
{% endmacro %}

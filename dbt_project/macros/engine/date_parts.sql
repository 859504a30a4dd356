{% macro iso_weekday(column) %}
    {#- 1 (Monday) to 7 (Sunday). -#}
    cast(isodow({{ column }}) as integer)
{% endmacro %}

{% macro month_text(column) %}
    {#- The month of a date as YYYY-MM. -#}
    strftime({{ column }}, '%Y-%m')
{% endmacro %}

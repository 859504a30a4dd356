{% macro local_date(column, zone) %}
    {#- The calendar day of a UTC timestamp in a time zone. -#}
    cast(timezone('{{ zone }}', timezone('UTC', {{ column }})) as date)
{% endmacro %}

{% macro local_midnight(column, zone) %}
    {#- The UTC timestamp of midnight, in a time zone, at the start of a date. -#}
    timezone('UTC', timezone('{{ zone }}', cast({{ column }} as timestamp)))
{% endmacro %}

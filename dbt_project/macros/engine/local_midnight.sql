{% macro local_midnight(column, zone) %}
    {#- The UTC timestamp of midnight, in a time zone, at the start of a date. -#}
    timezone('UTC', timezone('{{ zone }}', cast({{ column }} as timestamp)))
{% endmacro %}

{% macro local_midnight(column, zone) %}
    {#- The UTC timestamp of midnight, in a time zone, at the start of a date. -#}
    {{- return(adapter.dispatch("local_midnight")(column, zone)) -}}
{% endmacro %}

{% macro duckdb__local_midnight(column, zone) %}
    timezone('UTC', timezone('{{ zone }}', cast({{ column }} as timestamp)))
{% endmacro %}

{% macro spark__local_midnight(column, zone) %}
    to_utc_timestamp(cast({{ column }} as timestamp), '{{ zone }}')
{% endmacro %}

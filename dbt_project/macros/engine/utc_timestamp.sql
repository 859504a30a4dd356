{% macro utc_timestamp(column) %}
    {#- An instant as a timestamp without zone that is in UTC by convention. -#}
    timezone('UTC', {{ column }})
{% endmacro %}

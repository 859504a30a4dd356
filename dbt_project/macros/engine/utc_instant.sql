{% macro utc_instant(column) %}
    {#- A timestamp that is in UTC by convention as an instant with its zone. -#}
    {{- return(adapter.dispatch("utc_instant")(column)) -}}
{% endmacro %}

{% macro duckdb__utc_instant(column) %} timezone('UTC', {{ column }}) {% endmacro %}

{#- Spark's timestamps are instants; the session's zone is UTC. -#}
{% macro spark__utc_instant(column) %} {{ column }} {% endmacro %}

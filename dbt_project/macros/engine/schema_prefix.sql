{% macro schema_prefix() %}
    {#- The prefix of every schema's name: a metastore is shared, a DuckDB file is not. -#}
    {{- return(adapter.dispatch("schema_prefix")()) -}}
{% endmacro %}

{% macro duckdb__schema_prefix() %} {{- return("") -}} {% endmacro %}

{% macro spark__schema_prefix() %} {{- return(env_var("COSTOWNER_SPARK_SCHEMA_PREFIX", "")) -}} {% endmacro %}

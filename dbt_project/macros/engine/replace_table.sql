{% macro replace_table(name, select) %}
    {#- Put a table of a select in the place of one of the same name, outside of dbt's models. -#}
    {{- return(adapter.dispatch("replace_table")(name, select)) -}}
{% endmacro %}

{% macro duckdb__replace_table(name, select) %}
    {% do run_query("create or replace table " ~ name ~ " as " ~ select) %}
{% endmacro %}

{% macro spark__replace_table(name, select) %}
    {% do run_query("drop table if exists " ~ name) %}
    {% do run_query("create table " ~ name ~ " using parquet as " ~ select) %}
{% endmacro %}

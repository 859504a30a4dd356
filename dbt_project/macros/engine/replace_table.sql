{% macro replace_table(name, select) %}
    {#- Replace a table, outside of dbt's models, by one made from a select. -#}
    {{- return(adapter.dispatch("replace_table")(name, select)) -}}
{% endmacro %}

{% macro duckdb__replace_table(name, select) %}
    {% do run_query("create or replace table " ~ name ~ " as " ~ select) %}
{% endmacro %}

{% macro spark__replace_table(name, select) %}
    {% do run_query("drop table if exists " ~ name) %}
    {% do run_query("create table " ~ name ~ " using parquet as " ~ select) %}
{% endmacro %}

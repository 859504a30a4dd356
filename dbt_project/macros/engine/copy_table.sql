{% macro copy_table(relation, select, partitions) %}
    {#- Create a table from a select, partitioned where the engine keeps partitions. -#}
    {% do adapter.dispatch("copy_table")(relation, select, partitions) %}
{% endmacro %}

{% macro duckdb__copy_table(relation, select, partitions) %}
    {% do run_query("create table " ~ relation ~ " as " ~ select) %}
{% endmacro %}

{#- The table is in the catalog before its files are written: one that is left half-written can be dropped with them. -#}
{% macro spark__copy_table(relation, select, partitions) %}
    {% set rows = "(" ~ select ~ ") as earlier" %}
    {% do run_query(
        "create table " ~ relation ~ " using parquet partitioned by (" ~ partitions | join(", ") ~ ") as select * from "
        ~ rows ~ " where false"
    ) %}
    {% set columns = adapter.get_columns_in_relation(relation) | map(attribute="name") | join(", ") %}
    {% do run_query("insert into " ~ relation ~ " select " ~ columns ~ " from " ~ rows) %}
{% endmacro %}

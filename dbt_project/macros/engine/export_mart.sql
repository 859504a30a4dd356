{% macro export_mart() %}
    {#-
        Post-hook of a mart: put it where the publication reads it. On DuckDB there is nothing to do, because
        the warehouse is a file. On Spark the mart is written as Parquet to `<COSTOWNER_EXPORT_PATH>/<mart>`,
        columns in the contract's order, while other models are still being built; the publication itself
        compiles marts that are views for DuckDB.
    -#}
    {%- if execute -%} {{- return(adapter.dispatch("export_mart")()) -}} {%- endif -%}
{% endmacro %}

{% macro duckdb__export_mart() %} {% endmacro %}

{% macro spark__export_mart() %}
    {%- set folder = env_var("COSTOWNER_EXPORT_PATH", "") -%}
    {%- if folder and config.get("materialized") != "view" -%}
        insert overwrite directory '{{ folder }}/{{ this.identifier }}' using parquet
        select {{ model.columns.keys() | join(", ") }}
        from {{ this }}
    {%- endif -%}
{% endmacro %}

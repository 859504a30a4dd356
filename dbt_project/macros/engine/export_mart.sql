{% macro export_mart() %}
    {#-
        After a mart is built: leave it where the publication finds it. Nothing to do on DuckDB, whose warehouse is a file.
        On Spark it is written as Parquet to `<COSTOWNER_EXPORT_PATH>/<mart>`, columns in the contract's order; a mart that
        is a view is compiled for DuckDB by the publication itself. (Other models are built meanwhile: at the end of the run
        the marts would be written one after another.)
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

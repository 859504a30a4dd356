{% macro export_marts(results) %}
    {#-
        At the end of a run: leave the marts that it built where the publication finds them. Nothing to do on DuckDB,
        whose warehouse is a file. On Spark each is written as Parquet to `<COSTOWNER_EXPORT_PATH>/<mart>`, columns in
        the contract's order; a mart that is a view is compiled for DuckDB by the publication itself.
    -#}
    {%- if execute -%} {%- do adapter.dispatch("export_marts")(results) -%} {%- endif -%}
{% endmacro %}

{% macro duckdb__export_marts(results) %} {% endmacro %}

{% macro spark__export_marts(results) %}
    {%- set folder = env_var("COSTOWNER_EXPORT_PATH", "") -%}
    {%- for result in results if folder and result.status == "success" and result.node.resource_type == "model" -%}
        {%- if result.node.fqn[1] == "marts" and result.node.config.materialized != "view" -%}
            {%- do run_query(
                "insert overwrite directory '" ~ folder ~ "/" ~ result.node.name ~ "' using parquet select "
                ~ result.node.columns.keys() | join(", ") ~ " from " ~ result.node.relation_name
            ) -%}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

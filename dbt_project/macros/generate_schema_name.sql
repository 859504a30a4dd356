{% macro generate_schema_name(custom_schema_name, node) %}
    {#-
        A layer is a schema of the same name (with a prefix on a shared metastore). On DuckDB the marts are in
        `main`, where readers look for them, so that the publication is a copy of the file.
    -#}
    {%- if custom_schema_name == "marts" and target.type == "duckdb" -%} {{- return("main") -}} {%- endif -%}
    {{- return(schema_prefix() ~ (custom_schema_name or target.schema)) -}}
{% endmacro %}

{% macro generate_schema_name(custom_schema_name, node) %}
    {#- A layer is a schema, under its own name whatever the target (on a shared metastore with a prefix). -#}
    {{- return(schema_prefix() ~ (custom_schema_name or target.schema)) -}}
{% endmacro %}

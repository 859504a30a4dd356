{% macro lake_path() %}
    {#- The root of the lake; the command sets COSTOWNER_LAKE_PATH. -#}
    {{- return(env_var("COSTOWNER_LAKE_PATH", "target/lake")) -}}
{% endmacro %}

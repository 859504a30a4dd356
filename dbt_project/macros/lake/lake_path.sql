{% macro lake_path() %}
    {#- The root of the lake; COSTOWNER_LAKE_PATH is set by `python -m orchestration`. -#}
    {{- return(env_var("COSTOWNER_LAKE_PATH", "target/lake")) -}}
{% endmacro %}

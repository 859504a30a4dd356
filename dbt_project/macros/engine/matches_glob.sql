{% macro matches_glob(value, pattern) %}
    {#- Whether a text matches a pattern with * and ?, by case. -#}
    {%- set escaped -%}
        replace(replace(replace({{ pattern }}, '!', '!!'), '%', '!%'), '_', '!_')
    {%- endset -%}
    ({{ value }} like replace(replace({{ escaped }}, '*', '%'), '?', '_') escape '!')
{% endmacro %}

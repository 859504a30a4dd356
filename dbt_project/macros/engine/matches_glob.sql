{% macro matches_glob(value, pattern) %}
    {#- Whether a text matches a pattern with * and ?, by case. -#}
    ({{ value }} glob {{ pattern }})
{% endmacro %}

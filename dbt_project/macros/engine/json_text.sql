{% macro json_text(column, name) %}
    {#- A field of a JSON object as text; NULL where it is absent or null. -#}
    {{- return(adapter.dispatch("json_text")(column, name)) -}}
{% endmacro %}

{% macro duckdb__json_text(column, name) %} json_extract_string({{ column }}, '$."{{ name }}"') {% endmacro %}

{% macro spark__json_text(column, name) %} get_json_object({{ column }}, "$['{{ name }}']") {% endmacro %}

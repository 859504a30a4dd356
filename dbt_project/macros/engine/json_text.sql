{% macro json_text(column, name) %}
    {#- A field of a JSON object as text; NULL where it is absent or null. -#}
    json_extract_string({{ column }}, '$."{{ name }}"')
{% endmacro %}

{% macro json_first_of_list(column, name) %}
    {#- The first value of a field of a JSON object that holds lists; the value itself where it is no list. -#}
    coalesce(
        json_extract_string({{ column }}, '$."{{ name }}"[0]'),
        json_extract_string({{ column }}, '$."{{ name }}"')
    )
{% endmacro %}

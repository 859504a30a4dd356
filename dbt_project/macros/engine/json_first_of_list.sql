{% macro json_first_of_list(column, name) %}
    {#- The first value of a field of a JSON object that holds lists; the value itself where it is no list. -#}
    {{- return(adapter.dispatch("json_first_of_list")(column, name)) -}}
{% endmacro %}

{% macro duckdb__json_first_of_list(column, name) %}
    coalesce(
        json_extract_string({{ column }}, '$."{{ name }}"[0]'),
        json_extract_string({{ column }}, '$."{{ name }}"')
    )
{% endmacro %}

{% macro spark__json_first_of_list(column, name) %}
    coalesce(
        get_json_object({{ column }}, "$['{{ name }}'][0]"), get_json_object({{ column }}, "$['{{ name }}']")
    )
{% endmacro %}

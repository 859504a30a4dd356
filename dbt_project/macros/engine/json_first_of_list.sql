{% macro json_first_of_list(column, name) %}
    {#-
        The first value of a field of a JSON object that holds lists; the value itself where it is no list. NULL where the
        list, or its first value, is empty.
    -#}
    nullif(
        coalesce(
            {{ adapter.dispatch("json_first_of_list")(column, name) }},
            case when {{ json_text(column, name) }} not like '[%' then {{ json_text(column, name) }} end
        ),
        ''
    )
{% endmacro %}

{% macro duckdb__json_first_of_list(column, name) %}
    json_extract_string({{ column }}, '$."{{ name }}"[0]')
{% endmacro %}

{% macro spark__json_first_of_list(column, name) %}
    get_json_object({{ column }}, "$['{{ name }}'][0]")
{% endmacro %}

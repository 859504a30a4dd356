{% macro map_value(column, keys) %}
    {#- The value of the first of some keys that a map holds; NULL where it holds none. -#}
    coalesce({% for key in keys %}{{ column }} ['{{ key }}']{{ ", " if not loop.last }}{% endfor %})
{% endmacro %}

{% macro map_json(column) %}
    {#- A map as JSON text; NULL where the map is NULL. -#}
    cast(to_json({{ column }}) as string)
{% endmacro %}

{% macro regex_group(column, pattern, group) %}
    {#- A group of the first match of a regular expression; NULL where it does not match or the group is empty. -#}
    nullif(regexp_extract({{ column }}, '{{ pattern }}', {{ group }}), '')
{% endmacro %}

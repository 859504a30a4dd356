{% macro quoted_list(values) %}
    {#- SQL list of text literals: ['a', 'b']. -#}
    {%- set quoted = [] -%}
    {%- for value in values %} {% do quoted.append("'" ~ (value | replace("'", "''")) ~ "'") %} {% endfor -%}
    {{ return("[" ~ quoted | join(", ") ~ "]") }}
{% endmacro %}

{% macro joined_text(expression, order_by) %}
    {#- The texts of a group in one, in a fixed order. -#}
    string_agg({{ expression }}, '|' order by {{ order_by }})
{% endmacro %}

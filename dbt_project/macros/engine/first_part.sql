{% macro first_part(column, separator="|") %}
    {#- The text before the first separator. -#}
    split_part({{ column }}, '{{ separator }}', 1)
{% endmacro %}

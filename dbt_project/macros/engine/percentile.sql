{% macro percentile(expression, part) %}
    {#- The smallest value that at least `part` (0.95) of a group's values do not exceed; NULLs do not count. A value, no mean of two. -#}
    percentile_disc({{ part }}) within group (order by {{ expression }})
{% endmacro %}

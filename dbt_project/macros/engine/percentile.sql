{% macro percentile(expression, part) %}
    {#-
        The smallest value that at least `part` (0.95) of a group's values do not exceed, as DECIMAL(18,3): one
        of the values, never a mean of two. NULLs and values out of range (10^15 and more, which no duration
        has) do not count. Spark's own function returns a double.
    -#}
    cast(
        percentile_disc({{ part }}) within group (
            order by case when abs({{ expression }}) < 1000000000000000 then {{ expression }} end
        ) as decimal(18, 3)
    )
{% endmacro %}

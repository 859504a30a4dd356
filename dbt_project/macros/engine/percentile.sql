{% macro percentile(expression, part) %}
    {#-
        The smallest value that at least `part` (0.95) of a group's values do not exceed, as DECIMAL(18,3): a value, no mean of
        two. NULLs do not count, nor what the type can't hold (10^15 and more: no measure of time). (Spark gives a double of
        whatever it is asked about.)
    -#}
    cast(
        percentile_disc({{ part }}) within group (
            order by case when abs({{ expression }}) < 1000000000000000 then {{ expression }} end
        ) as decimal(18, 3)
    )
{% endmacro %}

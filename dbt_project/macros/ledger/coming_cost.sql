{% macro coming_cost(medians, error, days) %}
    {#- What coming days cost: the medians of their weekdays with half the median error a day, which never turns them negative. -#}
    greatest(
        {{ medians }} + cast({{ error }} * {{ days }} * cast('0.5' as decimal(2, 1)) as decimal(38, 12)),
        least({{ medians }}, 0)
    )
{% endmacro %}

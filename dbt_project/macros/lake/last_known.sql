{% macro last_known(value, is_known, keys) %}
    {#-
        A value as it was known last: that of the row's delivery, or of the one before in which it `is_known`, or else of
        the first one after it. Over rows that have `known_count`, the deliveries so far in which it was known.
    -#}
    max(case when {{ is_known }} then {{ value }} end) over (
        partition by {{ keys | join(", ") }}, greatest(known_count, 1)
    )
{% endmacro %}

{% macro known_count(is_known, keys) %}
    {#- How many deliveries of a list so far, with this one, had what may not be readable. -#}
    sum(case when {{ is_known }} then 1 else 0 end) over (
        partition by {{ keys | join(", ") }}
        order by delivered_at, slice_id
        rows between unbounded preceding and current row
    )
{% endmacro %}

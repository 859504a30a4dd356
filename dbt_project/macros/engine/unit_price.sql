{% macro unit_price(cost, quantity) %}
    {#-
        A unit price derived from a cost and a quantity, to 12 places: a figure for reading, since money is never
        divided to be added up again. NULL quantity or 0 must be kept out by the caller.
    -#}
    cast(round(cast({{ cost }} as double) / cast({{ quantity }} as double), 12) as decimal(38, 12))
{% endmacro %}

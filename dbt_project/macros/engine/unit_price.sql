{% macro unit_price(cost, quantity) %}
    {#-
        A unit price derived from a cost and a quantity, rounded half up to 12 places: a figure for reading, since money
        is never divided to be added up again. NULL quantity or 0 must be kept out by the caller; neither is negative.
        NULL where the price would be 10^13 or more: nothing costs that, the quantity is next to nothing. NULL as well
        where the cost or the quantity is 10^13 or more: byte-seconds come to that, and no price is left of it in 12 places.
    -#}
    {%- set doubled = "2 * " ~ whole_number("1000000000000") ~ " * " ~ to_units(cost) ~ " + " ~ to_units(quantity) -%}
    {%- set quotient = whole_quotient(doubled, "2 * " ~ to_units(quantity)) -%}
    case
        when {{ cost }} < 10000000000000 and {{ quantity }} < 10000000000000
        then {{ from_units("try_cast(" ~ quotient ~ " as decimal(25, 0))") }}
    end
{% endmacro %}

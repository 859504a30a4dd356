{% macro unit_price(cost, quantity) %}
    {#-
        A unit price derived from a cost and a quantity, rounded half up to 12 places. It is for display: no
        money is computed from it. The caller keeps out a NULL or zero quantity, and negative values. NULL where
        the price, the cost or the quantity is 10^13 or more: such a quantity is next to nothing, or in
        byte-seconds, and 12 places leave no price of it.
    -#}
    {%- set doubled = "2 * " ~ whole_number("1000000000000") ~ " * " ~ to_units(cost) ~ " + " ~ to_units(quantity) -%}
    {%- set quotient = whole_quotient(doubled, "2 * " ~ to_units(quantity)) -%}
    case
        when {{ cost }} < 10000000000000 and {{ quantity }} < 10000000000000
        then {{ from_units("try_cast(" ~ quotient ~ " as decimal(25, 0))") }}
    end
{% endmacro %}

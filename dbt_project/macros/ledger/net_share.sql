{% macro net_share(cost, net, gross) %}
    {#-
        The part of a cost that is left after discounts, where CUR tells only the net and gross amount of the fee that it
        is of: cost × net ÷ gross, rounded towards zero to 12 places. The cost itself where the net amount is not known;
        gross must be 10^-9 or more. Fees count in 10^-9, so that the product stays within 38 digits.
    -#}
    {%- set product = to_units(cost) ~ " * " ~ whole_quotient(to_units(net), "1000") -%}
    coalesce({{ from_units(whole_quotient(product, whole_quotient(to_units(gross), "1000"))) }}, {{ cost }})
{% endmacro %}

{% macro net_share(cost, net, gross) %}
    {#-
        The part of a cost that is left after discounts, where CUR tells only the net and gross amount of the fee that it
        is of: cost × net ÷ gross, rounded towards zero to 12 places. The cost itself where the net amount is not known;
        gross must be 10^-9 or more. Fees count in 10^-9, so that the products stay within 38 digits up to 10^10 of a currency.
    -#}
    {%- set net_fee = whole_quotient(to_units(net), "1000") -%}
    {%- set gross_fee = whole_quotient(to_units(gross), "1000") -%}
    coalesce({{ from_units(whole_share(to_units(cost), net_fee, gross_fee)) }}, {{ cost }})
{% endmacro %}

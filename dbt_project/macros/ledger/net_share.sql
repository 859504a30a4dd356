{% macro net_share(cost, net, gross) %}
    {#-
        A cost after discounts, where CUR gives only the net and gross amount of the whole fee: cost × net ÷
        gross, rounded towards zero to 12 places; the cost itself where there is no net amount. Gross must be
        10^-9 or more. Fees count in 10^-9, so that the products stay within 38 digits up to 10^10 of a
        currency.
    -#}
    {%- set net_fee = whole_quotient(to_units(net), "1000") -%}
    {%- set gross_fee = whole_quotient(to_units(gross), "1000") -%}
    coalesce({{ from_units(whole_share(to_units(cost), net_fee, gross_fee)) }}, {{ cost }})
{% endmacro %}

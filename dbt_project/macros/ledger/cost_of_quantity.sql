{% macro weight_of(quantity, other) %}
    {#-
        A quantity as a whole number, for a proportion with another one of its unit: millionths, and ones from 10^12 on.
        Negative quantities weigh 0.
    -#}
    {{ whole_number("floor(greatest(" ~ quantity ~ ", 0) * case when greatest(" ~ quantity ~ ", " ~ other ~ ") < 1000000000000 then 1000000 else 1 end)") }}
{% endmacro %}

{% macro cost_of_quantity(cost, quantity, earlier_quantity) %}
    {#- What a cost would be for another quantity at its price: cost × quantity ÷ earlier quantity, rounded towards zero. -#}
    {{
        from_units(
            whole_share(to_units(cost), weight_of(quantity, earlier_quantity), weight_of(earlier_quantity, quantity))
        )
    }}
{% endmacro %}

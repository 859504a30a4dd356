{% macro unit_price_matches_cost(price, quantity, cost) %}
    {#-
        Whether price × quantity is the cost, as FOCUS wants, within 10^-9 of the cost (or of 1). Not so for
        what is too large to multiply exactly. A product in binary, exact to about 10^-15 of itself, decides
        nearly all rows; only the others are multiplied exactly.
    -#}
    coalesce(
        case
            when {{ price }} < 0
            then false
            when abs({{ binary_product(price, quantity) }} - cast({{ cost }} as double)) <= 0.0000000001
            then true
            when not {{ is_multipliable(price, quantity) }}
            then false
            else
                abs({{ decimal_product(price, quantity) }} - ({{ cost }}))
                <= greatest(abs({{ cost }}), 1) * 0.000000001
        end,
        false
    )
{% endmacro %}

{% macro is_multipliable(amount, factor) %}
    {#- Whether `decimal_product` can hold amount × factor; NULL where one of them is. -#}
    (
        abs({{ amount }}) < 10000000000000
        and abs({{ factor }}) < 100000000000
        and abs({{ binary_product(amount, factor) }}) < 10000000000000
    )
{% endmacro %}

{% macro binary_product(amount, factor) %}
    (cast({{ amount }} as double) * cast({{ factor }} as double))
{% endmacro %}

{% macro consistent_unit_price(price, quantity, cost) %}
    {#- A derived unit price, or one with few places; NULL where it does not multiply back to the cost. -#}
    case when {{ unit_price_matches_cost(price, quantity, cost) }} then {{ price }} end
{% endmacro %}

{% macro holds(price, quantity, cost) %}
    {#-
        Whether a vendor's unit price keeps FOCUS's rule price × quantity = cost, within 10^-9 of the cost (or of 1). What
        is too large to be multiplied exactly does not.
    -#}
    coalesce(
        case
            when {{ price }} < 0 or {{ price }} >= 10000000000000 or abs({{ quantity }}) >= 100000000000
            then false
            else
                abs({{ decimal_product(price, quantity) }} - ({{ cost }}))
                <= greatest(abs({{ cost }}), 1) * 0.000000001
        end,
        false
    )
{% endmacro %}

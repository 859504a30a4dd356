{% macro to_units(amount) %}
    {#- A DECIMAL(38,12) as a whole number of 10^-12; exact up to 10^14. -#}
    cast({{ amount }} * cast(1000000000000 as hugeint) as hugeint)
{% endmacro %}

{% macro from_units(units) %}
    {#- A whole number of 10^-12 as DECIMAL(38,12). -#}
    cast(cast({{ units }} as decimal(38, 0)) * cast('0.000000000001' as decimal(13, 12)) as decimal(38, 12))
{% endmacro %}

{% macro whole_quotient(dividend, divisor) %}
    {#- Division of whole numbers of up to 38 digits, rounded towards zero. -#}
    divide(cast({{ dividend }} as hugeint), cast({{ divisor }} as hugeint))
{% endmacro %}

{% macro whole_remainder(dividend, divisor) %}
    {#- What whole_quotient leaves. -#}
    (cast({{ dividend }} as hugeint) % cast({{ divisor }} as hugeint))
{% endmacro %}

{% macro whole_number(expression) %}
    {#- A whole number of up to 38 digits. -#}
    cast({{ expression }} as hugeint)
{% endmacro %}

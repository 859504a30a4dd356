{#- Whole numbers of up to 38 digits: HUGEINT on DuckDB, DECIMAL(38,0) on Spark. -#}
{% macro whole_number(expression) %}
    cast({{ expression }} as {{ adapter.dispatch("whole_number_type")() }})
{% endmacro %}

{% macro duckdb__whole_number_type() %} hugeint {% endmacro %}

{% macro spark__whole_number_type() %} decimal(38, 0) {% endmacro %}

{% macro to_units(amount) %}
    {#- A DECIMAL(38,12) as a whole number of 10^-12; exact up to 10^14. -#}
    {{- return(adapter.dispatch("to_units")(amount)) -}}
{% endmacro %}

{% macro duckdb__to_units(amount) %}
    cast({{ amount }} * cast(1000000000000 as hugeint) as hugeint)
{% endmacro %}

{% macro spark__to_units(amount) %}
    cast(cast({{ amount }} as decimal(38, 12)) * cast(1000000000000 as decimal(13, 0)) as decimal(38, 0))
{% endmacro %}

{% macro from_units(units) %}
    {#- A whole number of 10^-12, of up to 25 digits, as DECIMAL(38,12). -#}
    cast(cast({{ units }} as decimal(25, 0)) * cast('0.000000000001' as decimal(12, 12)) as decimal(38, 12))
{% endmacro %}

{% macro whole_quotient(dividend, divisor) %}
    {#- Division of whole numbers, rounded towards zero: 38 digits by 25, the quotient of up to 26. -#}
    {{- return(adapter.dispatch("whole_quotient")(dividend, divisor)) -}}
{% endmacro %}

{% macro duckdb__whole_quotient(dividend, divisor) %}
    divide({{ whole_number(dividend) }}, {{ whole_number(divisor) }})
{% endmacro %}

{#-
    Spark's `div` returns a BIGINT and its `/` rounds; after the remainder is subtracted there is nothing to round.
    A divisor of 25 digits leaves 26 to the quotient.
-#}
{% macro spark__whole_quotient(dividend, divisor) %}
    cast(
        ({{ whole_number(dividend) }} - {{ whole_remainder(dividend, divisor) }})
        / cast({{ divisor }} as decimal(25, 0)) as decimal(38, 0)
    )
{% endmacro %}

{% macro whole_remainder(dividend, divisor) %}
    {#- What whole_quotient leaves. -#}
    ({{ whole_number(dividend) }} % {{ whole_number(divisor) }})
{% endmacro %}

{% macro ratio(part, whole) %}
    {#- Part ÷ whole of two whole numbers as DECIMAL(20,12), rounded down once. For display, never for money. -#}
    cast(
        {{ from_units(whole_quotient(whole_number(part) ~ " * " ~ whole_number("1000000000000"), whole)) }}
        as decimal(20, 12)
    )
{% endmacro %}

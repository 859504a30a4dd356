{% macro decimal_product(amount, factor) %}
    {#-
        Amount × factor, rounded once to 12 places: the one place where money is multiplied.

        The operands are narrowed first: DuckDB's product of two DECIMAL(38,12) has scale 24 and overflows early,
        Spark's has scale 6 and loses digits in silence.
    -#}
    cast(
        round(cast({{ amount }} as decimal(26, 12)) * cast({{ factor }} as decimal(24, 12)), 12) as decimal(
            38, 12
        )
    )
{% endmacro %}

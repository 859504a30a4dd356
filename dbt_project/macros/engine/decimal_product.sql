{% macro decimal_product(amount, factor) %}
    {#-
        Amount × factor, rounded once to 12 places: the one place where money is multiplied. The operands are
        narrowed first, so that the product has scale 24 and 14 digits before the point. On Spark this holds
        under the settings of `check_session`; by default Spark silently gives up places for digits.
    -#}
    cast(
        round(cast({{ amount }} as decimal(26, 12)) * cast({{ factor }} as decimal(24, 12)), 12) as decimal(
            38, 12
        )
    )
{% endmacro %}

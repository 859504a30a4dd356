{% macro milliseconds_between(first, last) %}
    {#- Milliseconds from one time to another, to the microsecond, as DECIMAL(18,3). -#}
    cast(
        {{ adapter.dispatch("microseconds_between")(first, last) }}
        * cast('0.001' as decimal(4, 3)) as decimal(18, 3)
    )
{% endmacro %}

{% macro duckdb__microseconds_between(first, last) %}
    cast(date_diff('microsecond', {{ first }}, {{ last }}) as decimal(18, 0))
{% endmacro %}

{% macro spark__microseconds_between(first, last) %}
    cast(timestampdiff(microsecond, {{ first }}, {{ last }}) as decimal(18, 0))
{% endmacro %}

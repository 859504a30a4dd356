{% macro exact_decimal(column) %}
    {#-
        A vendor's double as DECIMAL(38,12): the shortest decimal text that denotes it, rounded half up once.
        That is the number that the vendor wrote: 68565.40210687, not the 68565.402106869992 of binary
        arithmetic. NULL for NaN and for what is out of range.
    -#}
    {{- return(adapter.dispatch("exact_decimal")(column)) -}}
{% endmacro %}

{#-
    DuckDB's cast multiplies by 10^12 in binary. That is right for whole numbers, and for small numbers that are not
    close to half a unit of the last place. Only the others go through text, which costs thirty times as much.
    Control totals follow the same rule (ingestion/sources/aws/shape.py).
-#}
{% macro duckdb__exact_decimal(column) %}
    case
        when {{ column }} = trunc({{ column }}) and abs({{ column }}) < 1e15
        then cast(cast({{ column }} as bigint) as decimal(38, 12))
        when
            abs({{ column }}) < 1000
            and abs(abs({{ column }}) * 1e12 - floor(abs({{ column }}) * 1e12) - 0.5)
            > 0.00001 + abs({{ column }}) * 0.0003
        then cast({{ column }} as decimal(38, 12))
        else try_cast(cast({{ column }} as varchar) as decimal(38, 12))
    end
{% endmacro %}

{% macro spark__exact_decimal(column) %}
    try_cast(cast({{ column }} as string) as decimal(38, 12))
{% endmacro %}

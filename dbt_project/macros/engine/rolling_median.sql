{% macro rolling_median(value, partition, order, rows, until="1 preceding") %}
    {#-
        The median of a value over so many rows before the current one, as a window function, `until` the row before
        or the current row: one of the values, of an even number the lower of the two in the middle. NULLs do not
        count; NULL where there is none.
    -#}
    {%- set window -%}
        over (partition by {{ partition }} order by {{ order }} rows between {{ rows }} preceding and {{ until }})
    {%- endset -%}
    {{- return(adapter.dispatch("rolling_median")(value, window)) -}}
{% endmacro %}

{% macro duckdb__rolling_median(value, window) %} quantile_disc({{ value }}, 0.5) {{ window }} {% endmacro %}

{% macro spark__rolling_median(value, window) %}
    get(
        array_sort(collect_list({{ value }}) {{ window }}),
        cast((size(collect_list({{ value }}) {{ window }}) - 1) div 2 as int)
    )
{% endmacro %}

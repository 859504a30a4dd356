{% macro days_between(first, last) %}
    {#- A relation with one row a day, column `date_day`, both ends included; it may look at relations before it. -#}
    {{- return(adapter.dispatch("days_between")(first, last)) -}}
{% endmacro %}

{% macro duckdb__days_between(first, last) %}
    (
        select cast(day as date) as date_day
        from generate_series({{ first }}, {{ last }}, interval 1 day) as days(day)
    )
{% endmacro %}

{% macro spark__days_between(first, last) %}
    lateral(select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as date_day)
{% endmacro %}

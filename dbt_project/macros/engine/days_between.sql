{% macro days_between(first, last) %}
    {#- A relation with one row a day, column `date_day`, both ends included. -#}
    (
        select cast(day as date) as date_day
        from generate_series({{ first }}, {{ last }}, interval 1 day) as days(day)
    )
{% endmacro %}

{% macro second_of_day(moment) %}
    {#- Seconds since midnight of a time, whole: 0 to 86399. -#}
    (
        cast(extract(hour from {{ moment }}) as bigint) * 3600
        + cast(extract(minute from {{ moment }}) as bigint) * 60
        + cast(floor(extract(second from {{ moment }})) as bigint)
    )
{% endmacro %}

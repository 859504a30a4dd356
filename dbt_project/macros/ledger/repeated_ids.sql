{#-
    Rows of one id by how often it began: an id that comes back more than a day later is another request's, because a
    server that counts its answers (`chatcmpl-1`) begins anew. `key` are the columns of the id within a month's rows.
-#}
{% macro begins_anew(key) %}
    {#- 1 where a row's id was last seen more than a day before, else 0. -#}
    case
        when
            started_at > lag(started_at) over (
                partition by billing_month, {{ key }} order by started_at, lake_file, lake_row
            )
            + interval '1' day
        then 1
        else 0
    end
{% endmacro %}

{% macro repetition(key, begins) %}
    {#- The number of times that the id of a row had begun anew, from its `begins_anew`. -#}
    sum({{ begins }}) over (
        partition by billing_month, {{ key }}
        order by started_at, lake_file, lake_row
        rows between unbounded preceding and current row
    )
{% endmacro %}

{% macro within_a_day(one, other) %}
    {#- Whether two requests began within a day of each other. -#}
    {{ one }}.started_at
    between {{ other }}.started_at - interval '1' day and {{ other }}.started_at + interval '1' day
{% endmacro %}

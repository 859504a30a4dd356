{#-
    Ids that a server uses again. A server that numbers its answers restarts at `chatcmpl-1`: the same id more than a day
    later is of another request. `key` lists the columns of the id within a month's rows.
-#}
{% macro is_reused(key) %}
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

{% macro reuse_number(key, is_reused) %}
    {#- How often the id was used again up to a row, from `is_reused` of the rows. -#}
    sum({{ is_reused }}) over (
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

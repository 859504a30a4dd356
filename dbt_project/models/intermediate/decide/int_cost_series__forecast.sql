{{ config(materialized="table", meta={"refresh": "always"}) }}

{%- set series = ["series_kind", "series_id", "billing_currency"] -%}
{%- set request = series + ["as_of_day", "horizon"] -%}
{%- set age -%} {{ dbt.datediff("base.cost_day", "requests.as_of_day", "day") }} {%- endset -%}

-- Usage cost from a day to the end of a period, for each series: on each coming day the median of the last
-- eight same weekdays. The interval comes from the errors of the same rule at up to 24 earlier origins, a
-- week apart, over as many days: between the order statistics that hold 80 %. Past months are forecast from
-- their 10th with what was known then.
with
    medians as (select * from {{ ref("int_cost_series__weekday_medians") }}),

    ends as (
        select {{ series | join(", ") }}, min(cost_day) as first_day, max(cost_day) as as_of_day
        from medians
        group by {{ series | join(", ") }}
    ),

    requests as (
        select
            {{ series | join(", ") }},
            as_of_day,
            'month' as horizon,
            cast(date_trunc('month', as_of_day) as date) as period_start,
            last_day(as_of_day) as period_end
        from ends

        union all

        select
            {{ series | join(", ") }},
            as_of_day,
            'quarter',
            cast(date_trunc('quarter', as_of_day) as date),
            last_day(cast(cast(date_trunc('quarter', as_of_day) as date) + interval '2' month as date))
        from ends

        union all

        select
            {{ series | join(", ") }},
            as_of_day,
            '90 days',
            cast(as_of_day + interval '1' day as date),
            cast(as_of_day + interval '90' day as date)
        from ends

        union all

        select
            {% for column in series %} ends.{{ column }}, {% endfor %}
            medians.cost_day,
            'past month',
            cast(date_trunc('month', medians.cost_day) as date),
            last_day(medians.cost_day)
        from ends
        inner join
            medians
            on ends.series_kind = medians.series_kind
            and ends.series_id = medians.series_id
            and ends.billing_currency = medians.billing_currency
            and extract(day from medians.cost_day) = 10
            and last_day(medians.cost_day) <= ends.as_of_day
            and medians.weeks >= 4
    ),

    sized as (
        select requests.*, {{ dbt.datediff("as_of_day", "period_end", "day") }} as horizon_days from requests
    ),

    -- Each of the seven days before an origin stands for the days of its weekday in the horizon.
    based as (
        select
            {% for column in request %} requests.{{ column }}, {% endfor %}
            requests.period_start,
            requests.period_end,
            requests.horizon_days,
            {{ whole_quotient(age, "7") }} as weeks_back,
            base.weeks,
            base.median_usage_cost * cast(
                {{ whole_quotient("requests.horizon_days + " ~ whole_remainder(age, "7"), "7") }} as decimal(
                    6, 0
                )
            ) as usage_cost
        from sized as requests
        inner join
            medians as base
            on requests.series_kind = base.series_kind
            and requests.series_id = base.series_id
            and requests.billing_currency = base.billing_currency
            and base.cost_day <= requests.as_of_day
            and base.cost_day > requests.as_of_day - interval '420' day
    ),

    origins as (
        select
            {{ request | join(", ") }},
            period_start,
            period_end,
            horizon_days,
            weeks_back,
            max(weeks) as weeks,
            count(*) as base_days,
            cast(sum(usage_cost) as decimal(38, 12)) as usage_cost
        from based
        group by {{ request | join(", ") }}, period_start, period_end, horizon_days, weeks_back
    ),

    errors as (
        select
            {% for column in request %} origins.{{ column }}, {% endfor %}
            origins.weeks_back,
            cast(
                after.usage_cost_to_date - before.usage_cost_to_date - origins.usage_cost as decimal(38, 12)
            ) as error,
            row_number() over (
                partition by
                    {% for column in request %} origins.{{ column }}{{ ", " if not loop.last }} {% endfor %}
                order by origins.weeks_back
            ) as nearest
        from origins
        inner join
            medians as before
            on origins.series_kind = before.series_kind
            and origins.series_id = before.series_id
            and origins.billing_currency = before.billing_currency
            and {{ dbt.datediff("before.cost_day", "origins.as_of_day", "day") }} = 7 * origins.weeks_back
        inner join
            medians as after
            on origins.series_kind = after.series_kind
            and origins.series_id = after.series_id
            and origins.billing_currency = after.billing_currency
            and {{ dbt.datediff("before.cost_day", "after.cost_day", "day") }} = origins.horizon_days
        where
            origins.weeks_back > 0
            and 7 * origins.weeks_back >= origins.horizon_days
            and origins.base_days = 7
            and origins.weeks >= 4
    ),

    ranked as (
        select
            errors.*,
            row_number() over (partition by {{ request | join(", ") }} order by error, nearest) as error_rank,
            count(*) over (partition by {{ request | join(", ") }}) as error_count
        from errors
        where nearest <= 24
    ),

    intervals as (
        select
            {{ request | join(", ") }},
            max(error_count) as origin_count,
            max(
                case
                    when error_rank = greatest({{ whole_quotient("error_count + 1", "10") }}, 1) then error
                end
            ) as low_error,
            max(
                case
                    when
                        error_rank
                        = least({{ whole_quotient("(error_count + 1) * 9 + 9", "10") }}, error_count)
                    then error
                end
            ) as high_error
        from ranked
        group by {{ request | join(", ") }}
    )

select
    {% for column in request %} origins.{{ column }}, {% endfor %}
    origins.period_start,
    origins.period_end,
    cast(origins.horizon_days as integer) as horizon_days,
    origins.usage_cost,
    cast(coalesce(intervals.origin_count, 0) as integer) as origin_count,
    origins.weeks < 8 or coalesce(intervals.origin_count, 0) < 8 as is_history_short,
    case
        when intervals.origin_count >= 8
        then cast(least(origins.usage_cost + intervals.low_error, origins.usage_cost) as decimal(38, 12))
    end as usage_cost_low,
    case
        when intervals.origin_count >= 8
        then cast(greatest(origins.usage_cost + intervals.high_error, origins.usage_cost) as decimal(38, 12))
    end as usage_cost_high
from origins
left join
    intervals
    on origins.series_kind = intervals.series_kind
    and origins.series_id = intervals.series_id
    and origins.billing_currency = intervals.billing_currency
    and origins.as_of_day = intervals.as_of_day
    and origins.horizon = intervals.horizon
where origins.weeks_back = 0

{{ config(materialized="table", meta={"refresh": "always"}) }}

{%- set series = ["series_kind", "series_id", "billing_currency"] -%}
{%- set request = series + ["as_of_day", "horizon"] -%}

-- Usage cost from a day to the end of a period, for each series: on each coming day the median of the last
-- eight same weekdays and half the median error of the last two weeks. The interval comes from the errors of
-- the same rule at up to 24 earlier origins, a week apart, over as many days: between their 10th and 90th
-- percentile. Past months are forecast from their 10th with what was known then.
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
            on {{ same_series("ends", "medians") }}
            and extract(day from medians.cost_day) = 10
            and last_day(medians.cost_day) <= ends.as_of_day
            and medians.weeks >= 4
    ),

    sized as (
        select
            requests.*,
            ends.first_day,
            {{ dbt.datediff("requests.as_of_day", "requests.period_end", "day") }} as horizon_days
        from requests
        inner join ends on {{ same_series("requests", "ends") }}
    ),

    -- The day of the forecast and the same weekday of the weeks before: 24 of them are enough, the first a
    -- horizon
    -- of at most 92 days back.
    origins as (
        select
            sized.*,
            origin.cost_day as origin_day,
            {{ whole_quotient(dbt.datediff("origin.cost_day", "sized.as_of_day", "day"), "7") }}
            as weeks_back,
            origin.weeks,
            origin.median_error,
            origin.usage_cost_to_date,
            origin.median_cost_to_date
        from sized
        inner join
            medians as origin
            on {{ same_series("sized", "origin") }}
            and origin.cost_day <= sized.as_of_day
            and origin.cost_day > sized.as_of_day - interval '280' day
            and {{ whole_remainder(dbt.datediff("origin.cost_day", "sized.as_of_day", "day"), "7") }} = 0
    ),

    -- The medians of the seven days up to an origin stand for the coming weeks, the first of them for the
    -- days that
    -- are left over. Sums to date begin with 0.
    summed as (
        select
            origins.*,
            {{ whole_quotient("horizon_days", "7") }} as whole_weeks,
            origins.median_cost_to_date - coalesce(week_start.median_cost_to_date, 0) as cost_of_a_week,
            coalesce(rest_end.median_cost_to_date, 0)
            - coalesce(week_start.median_cost_to_date, 0) as cost_of_the_rest,
            ending.usage_cost_to_date as usage_cost_to_end
        from origins
        left join
            medians as week_start
            on {{ same_series("origins", "week_start") }}
            and cast(origins.origin_day - interval '7' day as date) = week_start.cost_day
        left join
            medians as rest_end
            on {{ same_series("origins", "rest_end") }}
            and cast(
                {{ dbt.dateadd("day", whole_remainder("origins.horizon_days", "7") ~ " - 7", "origins.origin_day") }}
                as date
            )
            = rest_end.cost_day
        left join
            medians as ending
            on {{ same_series("origins", "ending") }}
            and cast({{ dbt.dateadd("day", "origins.horizon_days", "origins.origin_day") }} as date)
            = ending.cost_day
    ),

    forecasts as (
        select
            {{ request | join(", ") }},
            period_start,
            period_end,
            horizon_days,
            first_day,
            origin_day,
            weeks_back,
            weeks,
            cast(
                {{
                    coming_cost(
                        "(cost_of_a_week * cast(whole_weeks as decimal(6, 0)) + cost_of_the_rest)",
                        "median_error",
                        "cast(horizon_days as decimal(6, 0))",
                    )
                }} as decimal(38, 12)
            ) as usage_cost,
            usage_cost_to_end - usage_cost_to_date as actual_usage_cost
        from summed
    ),

    errors as (
        select
            {{ request | join(", ") }},
            weeks_back,
            cast(actual_usage_cost - usage_cost as decimal(38, 12)) as error,
            row_number() over (partition by {{ request | join(", ") }} order by weeks_back) as nearest
        from forecasts
        where
            weeks_back > 0
            and 7 * weeks_back >= horizon_days
            and weeks >= 4
            and {{ dbt.datediff("first_day", "origin_day", "day") }} >= 6
    ),

    ranked as (
        select
            errors.*,
            row_number() over (partition by {{ request | join(", ") }} order by error, nearest) as error_rank,
            count(*) over (partition by {{ request | join(", ") }}) as error_count
        from errors
        where nearest <= 24
    ),

    -- The 10th and the 90th percentile, at the places (n + 1) / 10 and 9 (n + 1) / 10 of n errors, between
    -- two
    -- neighbours in proportion.
    placed as (
        select
            ranked.*,
            {% for tenths in [1, 9] %}
                {{ whole_quotient(tenths ~ " * (error_count + 1)", "10") }} as place_{{ tenths }},
                cast(
                    {{ whole_remainder(tenths ~ " * (error_count + 1)", "10") }} as decimal(2, 0)
                ) as after_{{ tenths }},
            {% endfor %}
            cast(10 as decimal(2, 0)) as whole
        from ranked
    ),

    intervals as (
        select
            {{ request | join(", ") }},
            max(error_count) as origin_count,
            {% for tenths in [1, 9] %}
                cast(
                    sum(
                        case
                            when error_rank = greatest(place_{{ tenths }}, 1)
                            then error * (whole - after_{{ tenths }})
                            else 0
                        end + case
                            when error_rank = least(place_{{ tenths }} + 1, error_count)
                            then error * after_{{ tenths }}
                            else 0
                        end
                    )
                    * cast('0.1' as decimal(2, 1)) as decimal(38, 12)
                ) as {{ "low_error" if tenths == 1 else "high_error" }}
                {{- "," if not loop.last }}
            {% endfor %}
        from placed
        group by {{ request | join(", ") }}
    )

select
    {% for column in request %} forecasts.{{ column }}, {% endfor %}
    forecasts.period_start,
    forecasts.period_end,
    cast(forecasts.horizon_days as integer) as horizon_days,
    forecasts.usage_cost,
    cast(coalesce(intervals.origin_count, 0) as integer) as origin_count,
    forecasts.weeks < 8 or coalesce(intervals.origin_count, 0) < 8 as is_history_short,
    case
        when intervals.origin_count >= 8
        then cast(least(forecasts.usage_cost + intervals.low_error, forecasts.usage_cost) as decimal(38, 12))
    end as usage_cost_low,
    case
        when intervals.origin_count >= 8
        then
            cast(
                greatest(forecasts.usage_cost + intervals.high_error, forecasts.usage_cost) as decimal(38, 12)
            )
    end as usage_cost_high
from forecasts
left join
    intervals
    on {{ same_series("forecasts", "intervals") }}
    and forecasts.as_of_day = intervals.as_of_day
    and forecasts.horizon = intervals.horizon
where forecasts.weeks_back = 0

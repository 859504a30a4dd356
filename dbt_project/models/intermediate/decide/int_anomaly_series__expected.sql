{{ config(materialized="table", meta={"refresh": "always"}) }}

{%- set names = [
    "level",
    "source",
    "billing_currency",
    "owner_id",
    "service_name",
    "resource_id",
    "workflow_id",
    "model_id",
    "first_day",
    "as_of_day",
] -%}

-- Each day of a watched series with what it was expected to cost by what was known the day before: the
-- level of
-- the last seven days and what its weekday usually adds, the median of the last eight of how far they were
-- from the
-- week before them. The level is the median of seven days without what their weekdays add. Both follow a
-- change of
-- level in four days, and neither jumps later, when old days leave a window. The usual error is the median
-- distance
-- of the last 28 days from what was expected of them. A day without cost costs 0.
with
    daily as (select * from {{ ref("int_anomaly_series__daily") }}),

    series as (
        select series_key, {{ names | join(", ") }} from daily group by series_key, {{ names | join(", ") }}
    ),

    grid as (
        select series.series_key, series.first_day, days.date_day as cost_day
        from series, {{ days_between("series.first_day", "series.as_of_day") }} as days
    ),

    dense as (
        select
            grid.series_key,
            grid.cost_day,
            {{ dbt.datediff("grid.first_day", "grid.cost_day", "day") }} as known_days,
            {{ iso_weekday("grid.cost_day") }} as weekday,
            coalesce(daily.cost, 0) as cost,
            coalesce(daily.judged_cost, 0) as judged_cost
        from grid
        left join daily on grid.series_key = daily.series_key and grid.cost_day = daily.cost_day
    ),

    weeks as (
        select
            dense.*,
            case
                when known_days >= 7 then cost - {{ rolling_median("cost", "series_key", "cost_day", 7) }}
            end as off_week
        from dense
    ),

    -- What the weekday adds, as known at the end of the day.
    weekdays as (
        select
            weeks.*,
            case
                when known_days >= 28
                then
                    {{ rolling_median("off_week", "series_key, weekday", "cost_day", 7, until="current row") }}
            end as weekday_cost
        from weeks
    ),

    expected as (
        select
            weekdays.*,
            case
                when known_days >= 35
                then
                    greatest(
                        {{ rolling_median("cost - weekday_cost", "series_key", "cost_day", 7) }}
                        + lag(weekday_cost, 7) over (partition by series_key order by cost_day),
                        0
                    )
            end as expected_cost
        from weekdays
    ),

    measured as (
        select
            expected.*,
            case
                when known_days >= 49
                then {{ rolling_median("abs(cost - expected_cost)", "series_key", "cost_day", 28) }}
            end as usual_error
        from expected
    )

select
    measured.series_key,
    {% for name in names if name != "first_day" %} series.{{ name }}, {% endfor %}
    measured.cost_day,
    cast(measured.cost as decimal(38, 12)) as cost,
    cast(measured.judged_cost as decimal(38, 12)) as judged_cost,
    cast(measured.expected_cost as decimal(38, 12)) as expected_cost,
    cast(measured.usual_error as decimal(38, 12)) as usual_error
from measured
inner join series on measured.series_key = series.series_key
where measured.usual_error is not null

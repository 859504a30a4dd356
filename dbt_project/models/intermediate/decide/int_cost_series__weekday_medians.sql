{{ config(materialized="table", meta={"refresh": "always"}) }}

{%- set series = ["series_kind", "series_id", "billing_currency"] -%}

-- Each day of a series with the median of its usage cost over the last eight of its weekday, the day itself
-- among them, its usage cost up to the day, and the median error of the last two weeks: by how much days were
-- off the median of their weekday. A day without cost costs 0.
with
    daily as (select * from {{ ref("int_cost_series__daily") }}),

    ends as (
        select {{ series | join(", ") }}, min(first_day) as first_day, max(as_of_day) as as_of_day
        from daily
        group by {{ series | join(", ") }}
    ),

    grid as (
        select {% for column in series %} ends.{{ column }}, {% endfor %} days.date_day as cost_day
        from ends, {{ days_between("ends.first_day", "ends.as_of_day") }} as days
    ),

    dense as (
        select
            {% for column in series %} grid.{{ column }}, {% endfor %}
            grid.cost_day,
            coalesce(daily.usage_cost, 0) as usage_cost
        from grid
        left join daily on {{ same_series("grid", "daily") }} and grid.cost_day = daily.cost_day
    ),

    cumulated as (
        select
            dense.*,
            sum(usage_cost) over (
                partition by {{ series | join(", ") }}
                order by cost_day
                rows between unbounded preceding and current row
            ) as usage_cost_to_date
        from dense
    ),

    compared as (
        select
            {% for column in series %} dense.{{ column }}, {% endfor %}
            dense.cost_day,
            earlier.usage_cost,
            row_number() over (
                partition by {% for column in series %} dense.{{ column }}, {% endfor %} dense.cost_day
                order by earlier.usage_cost, earlier.cost_day
            ) as place,
            count(*) over (
                partition by {% for column in series %} dense.{{ column }}, {% endfor %} dense.cost_day
            ) as places
        from dense
        inner join
            dense as earlier
            on {{ same_series("dense", "earlier") }}
            and {{ iso_weekday("dense.cost_day") }} = {{ iso_weekday("earlier.cost_day") }}
            and earlier.cost_day <= dense.cost_day
            and earlier.cost_day > dense.cost_day - interval '56' day
    ),

    -- The middle value, or the mean of the two in the middle.
    medians as (
        select
            {{ series | join(", ") }},
            cost_day,
            max(places) as weeks,
            cast(
                (min(usage_cost) + max(usage_cost)) * cast('0.5' as decimal(2, 1)) as decimal(38, 12)
            ) as median_usage_cost
        from compared
        where 2 * place in (places, places + 1, places + 2)
        group by {{ series | join(", ") }}, cost_day
    ),

    compared_with_median as (
        select
            {% for column in series %} cumulated.{{ column }}, {% endfor %}
            cumulated.cost_day,
            cumulated.usage_cost,
            cumulated.usage_cost_to_date,
            medians.median_usage_cost,
            medians.weeks,
            case when medians.weeks >= 4 then cumulated.usage_cost - medians.median_usage_cost end as error
        from cumulated
        inner join
            medians on {{ same_series("cumulated", "medians") }} and cumulated.cost_day = medians.cost_day
    )

select
    {{ series | join(", ") }},
    cost_day,
    usage_cost,
    cast(usage_cost_to_date as decimal(38, 12)) as usage_cost_to_date,
    median_usage_cost,
    cast(
        sum(median_usage_cost) over (
            partition by {{ series | join(", ") }}
            order by cost_day
            rows between unbounded preceding and current row
        ) as decimal(38, 12)
    ) as median_cost_to_date,
    cast(weeks as integer) as weeks,
    cast(
        coalesce(
            {{ rolling_median("error", series | join(", "), "cost_day", 13, until="current row") }}, 0
        ) as decimal(38, 12)
    ) as median_error
from compared_with_median

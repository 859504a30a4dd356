{{ config(meta={"refresh": "always"}) }}

with
    bounds as (
        select
            coalesce(min(cast(charge_period_start as date)), {{ today() }}) as first_day,
            greatest(coalesce(max(cast(charge_period_end as date)), {{ today() }}), {{ today() }}) as last_day
        from {{ ref("fact_cost") }}
    ),

    days as (
        select days.date_day from bounds, {{ days_between("bounds.first_day", "bounds.last_day") }} as days
    )

select
    date_day,
    cast(extract(year from date_day) as integer) as calendar_year,
    cast(extract(month from date_day) as integer) as calendar_month,
    cast(extract(day from date_day) as integer) as day_of_month,
    {{ iso_weekday("date_day") }} as iso_weekday,
    {{ month_text("date_day") }} as billing_month,
    cast(date_trunc('month', date_day) as date) as month_start,
    cast(date_trunc('quarter', date_day) as date) as quarter_start
from days

-- What was used between two readings, and what the report has of the days between them. A reading falls into
-- a day, so use of the day before may be in either.
with
    readings as (
        select
            read_at,
            balance,
            total_used,
            lag(read_at) over (order by read_at) as previous_read_at,
            lag(total_used) over (order by read_at) as previous_total_used
        from {{ ref("stg_vercel__ai_gateway_credits") }}
    ),

    reported as (
        select usage_day, dimension, cast(sum(billed_cost) as decimal(38, 12)) as billed_cost
        from {{ ref("ai_gateway_usage") }}
        where dimension <> 'tag'
        group by usage_day, dimension
    ),

    days as (select usage_day, max(billed_cost) as billed_cost from reported group by usage_day),

    compared as (
        select readings.read_at, sum(days.billed_cost) as reported_cost
        from readings
        inner join
            days
            on days.usage_day >= cast(readings.previous_read_at as date)
            and days.usage_day < cast(readings.read_at as date)
        group by readings.read_at
    )

select
    'vercel' as source,
    readings.read_at,
    'USD' as billing_currency,
    readings.balance,
    readings.total_used,
    cast(readings.total_used - readings.previous_total_used as decimal(38, 12)) as used_since,
    cast(compared.reported_cost as decimal(38, 12)) as reported_cost
from readings
left join compared on readings.read_at = compared.read_at

{{ config(meta={"refresh": "always"}) }}

-- Forecasts of past months from their 10th beside what came: nothing later than the 10th was known to them.
with
    forecasts as (select * from {{ ref("int_cost_series__forecast") }} where horizon = 'past month'),

    medians as (select * from {{ ref("int_cost_series__weekday_medians") }})

select
    forecasts.series_kind,
    forecasts.series_id,
    forecasts.billing_currency,
    {{ month_text("forecasts.period_start") }} as billing_month,
    forecasts.as_of_day,
    cast(
        origin.usage_cost_to_date - coalesce(start.usage_cost_to_date, 0) as decimal(38, 12)
    ) as spent_usage_cost,
    forecasts.usage_cost as forecast_usage_cost,
    forecasts.usage_cost_low as forecast_usage_cost_low,
    forecasts.usage_cost_high as forecast_usage_cost_high,
    cast(ending.usage_cost_to_date - origin.usage_cost_to_date as decimal(38, 12)) as actual_usage_cost,
    cast(
        ending.usage_cost_to_date - origin.usage_cost_to_date - forecasts.usage_cost as decimal(38, 12)
    ) as error,
    case
        when forecasts.usage_cost_low is not null
        then
            ending.usage_cost_to_date - origin.usage_cost_to_date
            between forecasts.usage_cost_low and forecasts.usage_cost_high
    end as is_in_interval,
    forecasts.origin_count,
    forecasts.is_history_short
from forecasts
inner join
    medians as origin on {{ same_series("forecasts", "origin") }} and forecasts.as_of_day = origin.cost_day
inner join
    medians as ending on {{ same_series("forecasts", "ending") }} and forecasts.period_end = ending.cost_day
left join
    medians as start
    on {{ same_series("forecasts", "start") }}
    and cast(forecasts.period_start - interval '1' day as date) = start.cost_day

{{ config(meta={"refresh": "always"}) }}

-- A budget on each day of its months, up to the newest day that is complete. What is spent is of the month to
-- the day. Several budgets may hold the same charge: they are never added up.
with
    budgets as (select * from {{ ref("stg_registry__budgets") }} where monthly_amount is not null),

    daily as (select * from {{ ref("int_cost_series__daily") }} where series_kind = 'budget'),

    reach as (
        select billing_currency, min(first_day) as first_day, max(as_of_day) as as_of_day
        from {{ ref("int_cost_series__daily") }}
        where series_kind = 'all'
        group by billing_currency
    ),

    forecasts as (select * from {{ ref("forecast") }} where series_kind = 'budget' and horizon = 'month'),

    medians as (select * from {{ ref("int_cost_series__weekday_medians") }} where series_kind = 'budget'),

    known_days as (
        select reach.billing_currency, reach.as_of_day, days.date_day as status_day
        from reach, {{ days_between("reach.first_day", "reach.as_of_day") }} as days
    ),

    days as (
        select
            budgets.budget_id,
            budgets.owner_id,
            budgets.workflow_id,
            budgets.monthly_amount,
            budgets.currency,
            known_days.status_day,
            known_days.as_of_day
        from budgets
        inner join
            known_days
            on budgets.currency = known_days.billing_currency
            and known_days.status_day >= budgets.valid_from
            and known_days.status_day < budgets.valid_to
    ),

    costed as (
        select
            days.*,
            coalesce(daily.usage_cost + daily.calendar_cost + daily.one_off_cost, 0) as cost,
            coalesce(daily.estimated_cost, 0) as estimated_cost
        from days
        left join
            daily
            on days.budget_id = daily.budget_id
            and days.currency = daily.billing_currency
            and days.status_day = daily.cost_day
    ),

    running as (
        select
            costed.*,
            {% for column in ["cost", "estimated_cost"] %}
                cast(
                    sum({{ column }}) over (
                        partition by budget_id, currency, {{ month_text("status_day") }}
                        order by status_day
                        rows between unbounded preceding and current row
                    ) as decimal(38, 12)
                ) as {{ column }}_to_date,
            {% endfor %}
            extract(day from status_day) as day_of_month,
            extract(day from last_day(status_day)) as days_of_month
        from costed
    ),

    breached as (
        select
            budget_id,
            currency,
            {{ month_text("status_day") }} as billing_month,
            min(status_day) as breach_day
        from running
        where cost_to_date > monthly_amount
        group by budget_id, currency, {{ month_text("status_day") }}
    ),

    coming_days as (
        select forecasts.*, days.date_day as coming_day
        from
            forecasts,
            {{
                days_between(
                    "cast(forecasts.as_of_day + interval '1' day as date)",
                    "cast(forecasts.as_of_day + interval '31' day as date)",
                )
            }} as days
    ),

    coming_medians as (
        select
            coming_days.*,
            newest.median_error,
            cast(
                {{ dbt.datediff("coming_days.as_of_day", "coming_days.coming_day", "day") }} as decimal(6, 0)
            ) as days_ahead,
            sum(medians.median_usage_cost) over (
                partition by coming_days.budget_id, coming_days.billing_currency
                order by coming_days.coming_day
                rows between unbounded preceding and current row
            ) as medians_to_date
        from coming_days
        inner join
            medians
            on coming_days.budget_id = medians.series_id
            and coming_days.billing_currency = medians.billing_currency
            and medians.cost_day <= coming_days.as_of_day
            and medians.cost_day > coming_days.as_of_day - interval '7' day
            and {{ iso_weekday("medians.cost_day") }} = {{ iso_weekday("coming_days.coming_day") }}
        inner join
            medians as newest
            on coming_days.budget_id = newest.series_id
            and coming_days.billing_currency = newest.billing_currency
            and coming_days.as_of_day = newest.cost_day
        where coming_days.coming_day <= coming_days.period_end
    ),

    coming as (
        select
            budget_id,
            billing_currency,
            coming_day,
            spent_cost
            + forecast_calendar_cost
            + {{ coming_cost("medians_to_date", "median_error", "days_ahead") }} as cost_to_date
        from coming_medians
    ),

    expected_breach as (
        select coming.budget_id, coming.billing_currency, min(coming.coming_day) as breach_day
        from coming
        inner join
            budgets on coming.budget_id = budgets.budget_id and coming.billing_currency = budgets.currency
        where coming.cost_to_date > budgets.monthly_amount
        group by coming.budget_id, coming.billing_currency
    )

select
    running.budget_id,
    running.owner_id,
    running.workflow_id,
    running.status_day,
    {{ month_text("running.status_day") }} as billing_month,
    running.status_day = running.as_of_day as is_newest,
    running.currency as billing_currency,
    running.monthly_amount as budget_amount,
    running.cost_to_date as spent_cost,
    running.estimated_cost_to_date as estimated_cost,
    cast(running.monthly_amount - running.cost_to_date as decimal(38, 12)) as left_amount,
    {{ unit_price("running.monthly_amount * cast(running.day_of_month as decimal(2, 0))", "running.days_of_month") }}
    as expected_amount,
    forecasts.forecast_cost,
    forecasts.forecast_cost_low,
    forecasts.forecast_cost_high,
    case
        when breached.breach_day <= running.status_day
        then breached.breach_day
        when forecasts.budget_id is not null
        then expected_breach.breach_day
    end as breach_day,
    case
        when running.cost_to_date > running.monthly_amount
        then 'over'
        when forecasts.forecast_cost > running.monthly_amount
        then 'forecast over'
        else 'within'
    end as status
from running
left join
    breached
    on running.budget_id = breached.budget_id
    and running.currency = breached.currency
    and {{ month_text("running.status_day") }} = breached.billing_month
left join
    forecasts
    on running.budget_id = forecasts.budget_id
    and running.currency = forecasts.billing_currency
    and running.status_day = forecasts.as_of_day
left join
    expected_breach
    on forecasts.budget_id = expected_breach.budget_id
    and forecasts.billing_currency = expected_breach.billing_currency

{{ config(meta={"refresh": "always"}) }}

{%- set series = ["series_kind", "series_id", "billing_currency"] -%}

-- What a period will have cost: what it has cost so far, the usage that is forecast, and the charges of the
-- calendar (fees, seats, support, tax, credits) that came in the last month and come again on the same day.
with
    requested as (select * from {{ ref("int_cost_series__forecast") }} where horizon <> 'past month'),

    daily as (select * from {{ ref("int_cost_series__daily") }}),

    spent as (
        select
            {% for column in series %} requested.{{ column }}, {% endfor %}
            requested.horizon,
            sum(daily.usage_cost + daily.calendar_cost + daily.one_off_cost) as cost
        from requested
        inner join
            daily
            on {{ same_series("requested", "daily") }}
            and daily.cost_day >= requested.period_start
            and daily.cost_day <= requested.as_of_day
        group by {% for column in series %} requested.{{ column }}, {% endfor %} requested.horizon
    ),

    {% for months in [1, 2, 3] %}
        calendar_{{ months }} as (
            select
                {% for column in series %} requested.{{ column }}, {% endfor %}
                requested.horizon,
                daily.calendar_cost as cost
            from requested
            inner join
                daily
                on {{ same_series("requested", "daily") }}
                and daily.cost_day <= requested.as_of_day
                and cast(daily.cost_day + interval '1' month as date) > requested.as_of_day
                and cast(daily.cost_day + interval '{{ months }}' month as date) <= requested.period_end
        ),
    {% endfor %}

    calendar as (
        select {{ series | join(", ") }}, horizon, sum(cost) as cost
        from
            (
                {% for months in [1, 2, 3] %}
                    select *
                    from calendar_{{ months }}
                    {% if not loop.last %}
                        union all
                    {% endif %}
                {% endfor %}
            ) as coming
        group by {{ series | join(", ") }}, horizon
    ),

    named as (
        select
            {{ series | join(", ") }},
            max(owner_id) as owner_id,
            max(budget_id) as budget_id,
            max(source) as source
        from daily
        group by {{ series | join(", ") }}
    ),

    added as (
        select
            requested.*,
            named.owner_id,
            named.budget_id,
            named.source,
            coalesce(spent.cost, 0) as spent_cost,
            coalesce(calendar.cost, 0) as calendar_cost
        from requested
        inner join named on {{ same_series("requested", "named") }}
        left join spent on {{ same_series("requested", "spent") }} and requested.horizon = spent.horizon
        left join
            calendar on {{ same_series("requested", "calendar") }} and requested.horizon = calendar.horizon
    )

select
    series_kind,
    series_id,
    owner_id,
    budget_id,
    source,
    billing_currency,
    horizon,
    period_start,
    period_end,
    as_of_day,
    cast(spent_cost as decimal(38, 12)) as spent_cost,
    usage_cost as forecast_usage_cost,
    cast(calendar_cost as decimal(38, 12)) as forecast_calendar_cost,
    cast(spent_cost + usage_cost + calendar_cost as decimal(38, 12)) as forecast_cost,
    cast(spent_cost + usage_cost_low + calendar_cost as decimal(38, 12)) as forecast_cost_low,
    cast(spent_cost + usage_cost_high + calendar_cost as decimal(38, 12)) as forecast_cost_high,
    origin_count,
    is_history_short
from added

{{ config(meta={"refresh": "always"}) }}

{%- set dimensions = ["resource", "workflow", "model", "key", "meter", "region", "environment", "customer"] -%}
{%- set shown = 10 -%}

-- What an incident's change is made of, by each dimension on its own: cost of its days, from the first to the
-- last, beside the mean of the same weekdays of the four weeks before it. The parts of a dimension add up to
-- the whole change. The first driver is the one with the largest share of the change that is also a surprise:
-- a region that always has all cost explains nothing.
with
    incidents as (select * from {{ ref("fact_incident") }}),

    -- How often each weekday is among the days of an incident.
    weekdays as (
        select
            incidents.incident_id,
            {{ iso_weekday("days.date_day") }} as weekday,
            cast(count(*) as decimal(6, 0)) as day_count
        from incidents, {{ days_between("incidents.first_day", "incidents.last_day") }} as days
        group by incidents.incident_id, {{ iso_weekday("days.date_day") }}
    ),

    daily as (
        select
            source,
            billing_currency,
            coalesce(pool_owner_id, owner_id) as owner_id,
            coalesce(service_name, 'unknown') as service_name,
            cost_day,
            resource_id as resource,
            workflow_id as workflow,
            model_id as model,
            key_id as key,
            sku_meter as meter,
            region_id as region,
            environment,
            customer_id as customer,
            resource_name,
            effective_cost
        from {{ ref("int_cost_daily__detailed") }}
        where cost_pattern = 'usage'
    ),

    compared as (
        select
            incidents.incident_id,
            {% for name in dimensions %} daily.{{ name }}, {% endfor %}
            daily.resource_name,
            case when daily.cost_day >= incidents.first_day then daily.effective_cost else 0 end as cost,
            case
                when daily.cost_day < incidents.first_day
                then daily.effective_cost * weekdays.day_count * cast('0.25' as decimal(3, 2))
                else 0
            end as expected_cost
        from daily
        inner join
            incidents
            on daily.source = incidents.source
            and daily.billing_currency = incidents.billing_currency
            and daily.owner_id = incidents.owner_id
            and daily.service_name = incidents.service_name
            and daily.cost_day <= incidents.last_day
            and daily.cost_day >= incidents.first_day - interval '28' day
        left join
            weekdays
            on incidents.incident_id = weekdays.incident_id
            and {{ iso_weekday("daily.cost_day") }} = weekdays.weekday
        where daily.cost_day >= incidents.first_day or weekdays.weekday is not null
    ),

    parts as (
        {% for name in dimensions %}
            select
                incident_id,
                '{{ name }}' as dimension,
                {{ loop.index }} as dimension_rank,
                {{ name }} as dimension_value,
                {{ "max(resource_name)" if name == "resource" else "cast(null as string)" }} as value_name,
                cast(sum(cost) as decimal(38, 12)) as cost,
                cast(sum(expected_cost) as decimal(38, 12)) as expected_cost
            from compared
            group by incident_id, {{ name }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    totals as (
        select
            incident_id,
            dimension,
            sum(cost) as cost,
            sum(expected_cost) as expected_cost,
            max(dimension_value) as any_value
        from parts
        group by incident_id, dimension
    ),

    weighed as (
        select
            parts.*,
            parts.cost - parts.expected_cost as change_cost,
            {% for name in ["cost", "expected_cost"] %}
                coalesce(
                    cast(parts.{{ name }} as double) / nullif(cast(totals.{{ name }} as double), 0), 0
                ) as part_of_{{ name }},
            {% endfor %}
            coalesce(
                cast(parts.cost - parts.expected_cost as double)
                / nullif(cast(totals.cost - totals.expected_cost as double), 0),
                0
            ) as part_of_change
        from parts
        inner join
            totals
            on parts.incident_id = totals.incident_id
            and parts.dimension = totals.dimension
            and totals.any_value is not null
    ),

    ranked as (
        select
            weighed.*,
            cast(round(part_of_change, 6) as decimal(20, 6)) as change_share,
            cast(round(part_of_cost - part_of_expected_cost, 6) as decimal(20, 6)) as surprise,
            row_number() over (
                partition by incident_id, dimension
                order by abs(change_cost) desc, coalesce(dimension_value, '')
            ) as value_rank
        from weighed
    ),

    kept as (
        select
            incident_id,
            dimension,
            dimension_rank,
            case when value_rank <= {{ shown }} then dimension_value end as dimension_value,
            max(case when value_rank <= {{ shown }} then value_name end) as value_name,
            value_rank > {{ shown }} as is_rest,
            sum(cost) as cost,
            sum(expected_cost) as expected_cost,
            sum(change_cost) as change_cost,
            sum(change_share) as change_share,
            sum(surprise) as surprise
        from ranked
        group by
            incident_id,
            dimension,
            dimension_rank,
            case when value_rank <= {{ shown }} then dimension_value end,
            value_rank > {{ shown }},
            case when value_rank <= {{ shown }} then value_rank end
    )

select
    incident_id,
    cast(
        row_number() over (
            partition by incident_id
            order by
                is_rest or dimension_value is null,
                round(change_share * abs(surprise), 3) desc,
                change_share desc,
                dimension_rank,
                dimension_value
        ) as integer
    ) as driver_rank,
    dimension,
    dimension_value,
    value_name,
    is_rest,
    cast(cost as decimal(38, 12)) as cost,
    cast(expected_cost as decimal(38, 12)) as expected_cost,
    cast(change_cost as decimal(38, 12)) as change_cost,
    cast(change_share as decimal(20, 6)) as change_share,
    cast(surprise as decimal(20, 6)) as surprise
from kept

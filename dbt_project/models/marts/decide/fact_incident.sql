{{ config(meta={"refresh": "always"}) }}

{%- set place = ["source", "billing_currency", "owner_id", "service_name", "direction"] -%}

-- Anomalies of one service of an owner that lie close together, on whatever level, are one incident. Its
-- amounts are of the service where that is out of its range itself, and else of the resource or the workflow
-- with the largest impact.
with
    anomalies as (select * from {{ ref("cost_anomaly") }}),

    days as (
        select {{ place | join(", ") }}, cost_day from anomalies group by {{ place | join(", ") }}, cost_day
    ),

    spaced as (
        select
            days.*, lag(cost_day) over (partition by {{ place | join(", ") }} order by cost_day) as day_before
        from days
    ),

    numbered as (
        select
            spaced.*,
            sum(case when {{ dbt.datediff("day_before", "cost_day", "day") }} <= 3 then 0 else 1 end) over (
                partition by {{ place | join(", ") }}
                order by cost_day
                rows between unbounded preceding and current row
            ) as incident_number
        from spaced
    ),

    grouped as (
        select
            {% for column in place %} anomalies.{{ column }}, {% endfor %}
            numbered.incident_number,
            anomalies.series_key,
            anomalies.level,
            anomalies.resource_id,
            anomalies.workflow_id,
            anomalies.model_id,
            anomalies.as_of_day,
            sum(anomalies.cost) as cost,
            sum(anomalies.expected_cost) as expected_cost,
            sum(anomalies.impact_cost) as impact_cost
        from anomalies
        inner join
            numbered on anomalies.cost_day = numbered.cost_day
            {% for column in place %} and anomalies.{{ column }} = numbered.{{ column }} {% endfor %}
        group by
            {% for column in place %} anomalies.{{ column }}, {% endfor %}
            numbered.incident_number,
            anomalies.series_key,
            anomalies.level,
            anomalies.resource_id,
            anomalies.workflow_id,
            anomalies.model_id,
            anomalies.as_of_day
    ),

    ranked as (
        select
            grouped.*,
            row_number() over (
                partition by {{ place | join(", ") }}, incident_number
                order by case when level = 'service' then 0 else 1 end, abs(impact_cost) desc, series_key
            ) as series_rank
        from grouped
    ),

    spans as (
        select
            {{ place | join(", ") }},
            incident_number,
            min(cost_day) as first_day,
            max(cost_day) as last_day,
            count(*) as day_count
        from numbered
        group by {{ place | join(", ") }}, incident_number
    )

select
    {{ md5_key(["spans.source", "spans.billing_currency", "spans.owner_id", "spans.service_name", "spans.direction", "spans.first_day"]) }}
    as incident_id,
    ranked.owner_id,
    coalesce(owners.steward, ranked.owner_id) as responsible_owner_id,
    ranked.source,
    ranked.service_name,
    ranked.level,
    ranked.resource_id,
    ranked.workflow_id,
    ranked.model_id,
    ranked.direction,
    spans.first_day,
    spans.last_day,
    cast(spans.day_count as integer) as day_count,
    case
        when {{ dbt.datediff("spans.last_day", "ranked.as_of_day", "day") }} <= 3 then 'ongoing' else 'ended'
    end as status,
    ranked.billing_currency,
    cast(ranked.cost as decimal(38, 12)) as cost,
    cast(ranked.expected_cost as decimal(38, 12)) as expected_cost,
    cast(ranked.impact_cost as decimal(38, 12)) as impact_cost
from ranked
inner join
    spans on ranked.incident_number = spans.incident_number
    {% for column in place %} and ranked.{{ column }} = spans.{{ column }} {% endfor %}
left join {{ ref("dim_owner") }} as owners on ranked.owner_id = owners.owner_id and owners.is_current
where ranked.series_rank = 1

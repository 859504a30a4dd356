{{ config(materialized="table", meta={"refresh": "always"}) }}

{%- set levels = {"service": [], "resource": ["resource_id"], "workflow": ["workflow_id", "model_id"]} -%}
{%- set thing -%} coalesce(workflow_id, resource_id) {%- endset -%}

-- The series that are watched: usage cost by day of each owner and service, and below it of each resource and
-- of each workflow and model. What belongs to a pool is watched as the pool's. A day is judged by the owners
-- of four days before (`judged_cost`), when the expected cost has followed: a resource or a workflow that
-- changes hands is no anomaly of either owner.
with
    sources as (
        select source, cast(cast(max(newest_charge_at) as date) - interval '1' day as date) as as_of_day
        from {{ ref("source_freshness") }}
        where newest_charge_at is not null
        group by source
    ),

    costs as (
        select
            daily.source,
            daily.billing_currency,
            coalesce(daily.pool_owner_id, daily.owner_id) as owner_id,
            coalesce(daily.service_name, 'unknown') as service_name,
            daily.resource_id,
            daily.workflow_id,
            daily.model_id,
            daily.cost_day,
            sources.as_of_day,
            sum(daily.effective_cost) as cost
        from {{ ref("int_cost_daily__detailed") }} as daily
        inner join sources on daily.source = sources.source
        where
            daily.cost_pattern = 'usage'
            and daily.cost_day <= sources.as_of_day
            and daily.cost_day > sources.as_of_day - interval '{{ var("anomaly_days") }}' day
        group by
            daily.source,
            daily.billing_currency,
            coalesce(daily.pool_owner_id, daily.owner_id),
            coalesce(daily.service_name, 'unknown'),
            daily.resource_id,
            daily.workflow_id,
            daily.model_id,
            daily.cost_day,
            sources.as_of_day
    ),

    starts as (
        select source, billing_currency, min(cost_day) as first_day
        from costs
        group by source, billing_currency
    ),

    -- Resources and workflows that change hands: one owner on each of their days, and not always the same.
    moved as (
        select source, billing_currency, service_name, {{ thing }} as thing
        from costs
        where {{ thing }} is not null
        group by source, billing_currency, service_name, {{ thing }}
        having min(owner_id) <> max(owner_id)
    ),

    owned as (
        select
            costs.source,
            costs.billing_currency,
            costs.service_name,
            moved.thing,
            costs.cost_day,
            case when min(costs.owner_id) = max(costs.owner_id) then min(costs.owner_id) end as owner_id
        from costs
        inner join
            moved
            on costs.source = moved.source
            and costs.billing_currency = moved.billing_currency
            and costs.service_name = moved.service_name
            and coalesce(costs.workflow_id, costs.resource_id) = moved.thing
        group by costs.source, costs.billing_currency, costs.service_name, moved.thing, costs.cost_day
    ),

    former as (
        select
            owned.*,
            first_value(owner_id) over (
                partition by source, billing_currency, service_name, thing
                order by cost_day
                rows between 4 preceding and current row
            ) as former_owner_id
        from owned
    ),

    judged as (
        select costs.*, cost as own_cost, cast(0 as decimal(38, 12)) as judged_cost
        from costs

        union all

        select
            costs.source,
            costs.billing_currency,
            case
                when former.owner_id is not null
                then coalesce(former.former_owner_id, costs.owner_id)
                else costs.owner_id
            end,
            costs.service_name,
            costs.resource_id,
            costs.workflow_id,
            costs.model_id,
            costs.cost_day,
            costs.as_of_day,
            costs.cost,
            0,
            costs.cost
        from costs
        left join
            former
            on costs.source = former.source
            and costs.billing_currency = former.billing_currency
            and costs.service_name = former.service_name
            and coalesce(costs.workflow_id, costs.resource_id) = former.thing
            and costs.cost_day = former.cost_day
    ),

    leveled as (
        {% for level, columns in levels.items() %}
            select
                '{{ level }}' as level,
                source,
                billing_currency,
                owner_id,
                service_name,
                {% for column in ["resource_id", "workflow_id", "model_id"] %}
                    {{ column if column in columns else "cast(null as string) as " ~ column }},
                {% endfor %}
                cost_day,
                as_of_day,
                own_cost,
                judged_cost
            from judged
            {% if columns %} where {{ columns[0] }} is not null {% endif %}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    daily as (
        select
            {{ md5_key(["level", "source", "billing_currency", "owner_id", "service_name", "resource_id", "workflow_id", "model_id"]) }}
            as series_key,
            level,
            source,
            billing_currency,
            owner_id,
            service_name,
            resource_id,
            workflow_id,
            model_id,
            cost_day,
            as_of_day,
            cast(sum(own_cost) as decimal(38, 12)) as cost,
            cast(sum(judged_cost) as decimal(38, 12)) as judged_cost
        from leveled
        group by
            level,
            source,
            billing_currency,
            owner_id,
            service_name,
            resource_id,
            workflow_id,
            model_id,
            cost_day,
            as_of_day
    ),

    -- A series without a day of this size can't be further from its expected cost than the floor.
    sized as (
        select series_key
        from daily
        group by series_key
        having max(greatest(cost, judged_cost)) >= {{ var("anomaly_floor") }}
    )

select daily.*, starts.first_day
from daily
inner join sized on daily.series_key = sized.series_key
inner join starts on daily.source = starts.source and daily.billing_currency = starts.billing_currency

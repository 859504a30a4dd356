{{ config(materialized="table") }}

{%- set of_cluster = ["resource_id", "usage_day", "cost_kind"] -%}

-- The weights by which a cluster's compute and storage cost of a day is split: by the best driver that was
-- measured on it, also where it measured nothing. A part is what a database used through an application. The
-- system's own databases and use that names no database are one part, and processor time that no query used
-- (idle) is another: they have the claims of the cluster alone. A process is idle by its own capacity, where
-- that is known.
with
    used as (
        select daily.*, project_id || '/' || cluster_name as resource_id
        from {{ ref("int_atlas_usage__daily") }} as daily
    ),

    drivers as (select * from {{ ref("atlas_usage_drivers") }}),

    ranked as (
        select
            used.*,
            drivers.cost_kind,
            drivers.method,
            drivers.unit,
            dense_rank() over (
                partition by used.resource_id, used.usage_day, drivers.cost_kind order by drivers.driver_rank
            ) as best_rank
        from used
        inner join drivers on used.driver = drivers.driver
    ),

    best as (
        select
            ranked.*,
            database_name in ('', 'admin', 'local', 'config') as is_system,
            case
                when database_name in ('', 'admin', 'local', 'config')
                then 'shared'
                else database_name || '|' || application_name
            end as group_key
        from ranked
        where best_rank = 1
    ),

    summed as (
        select
            {{ of_cluster | join(", ") }},
            method,
            unit,
            group_key,
            max(case when not is_system then resource_id || '/' || database_name end) as database_id,
            max(case when not is_system then database_name end) as database_name,
            max(case when not is_system then nullif(application_name, '') end) as application_name,
            {{ whole_number("sum(quantity)") }} as weight
        from best
        group by {{ of_cluster | join(", ") }}, method, unit, group_key
    ),

    capacities as (select * from used where driver = 'cpu_capacity_nanoseconds'),

    used_by_member as (
        select resource_id, usage_day, member, sum(quantity) as quantity
        from best
        where method = 'cluster-query-cpu'
        group by resource_id, usage_day, member
    ),

    idle as (
        select
            summed.resource_id,
            summed.usage_day,
            summed.cost_kind,
            summed.method,
            summed.unit,
            {{ whole_number("sum(greatest(capacities.quantity - coalesce(used_by_member.quantity, 0), 0))") }}
            as weight
        from
            (
                select distinct {{ of_cluster | join(", ") }}, method, unit
                from summed
                where method = 'cluster-query-cpu'
            ) as summed
        inner join
            capacities
            on summed.resource_id = capacities.resource_id
            and summed.usage_day = capacities.usage_day
        left join
            used_by_member
            on capacities.resource_id = used_by_member.resource_id
            and capacities.usage_day = used_by_member.usage_day
            and capacities.member = used_by_member.member
        group by summed.resource_id, summed.usage_day, summed.cost_kind, summed.method, summed.unit
    ),

    parts as (
        select
            {{ of_cluster | join(", ") }},
            method,
            unit,
            group_key,
            database_id,
            database_name,
            application_name,
            weight
        from summed
        where weight > 0

        union all

        select
            {{ of_cluster | join(", ") }},
            method,
            unit,
            'idle',
            cast(null as string),
            cast(null as string),
            cast(null as string),
            weight
        from idle
        where weight > 0
    ),

    cumulated as (
        select
            parts.*,
            sum(weight) over (partition by {{ of_cluster | join(", ") }}) as total_weight,
            {{ running_weight("weight", of_cluster | join(", "), "group_key") }} as cumulative_weight
        from parts
    )

select
    {{ of_cluster | join(", ") }},
    method,
    unit,
    group_key,
    database_id,
    database_name,
    application_name,
    {{ whole_number("weight") }} as weight,
    {{ whole_number("cumulative_weight - weight") }} as cumulative_weight_before,
    {{ whole_number("cumulative_weight") }} as cumulative_weight,
    {{ whole_number("total_weight") }} as total_weight
from cumulated

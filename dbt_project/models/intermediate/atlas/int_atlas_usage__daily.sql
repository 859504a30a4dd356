{{ config(materialized="table") }}

{%- set of_member = ["project_id", "cluster_name", "member", "driver"] -%}
{%- set of_use = of_member + ["database_name", "application_name"] -%}

-- Use of each cluster by UTC day. A counter counts from one measurement of its process to the next, and from
-- its start where it started between them; what is less than before counts as nothing. Use between two
-- measurements is spread evenly over the days that it covers. A size holds until the next measurement, for
-- a week at most.
with
    measured as (
        select
            {{ of_member | join(", ") }},
            kind,
            coalesce(database_name, '') as database_name,
            coalesce(application_name, '') as application_name,
            measured_from,
            measured_at,
            {{ whole_number("floor(sum(quantity))") }} as quantity
        from {{ ref("stg_atlas__cluster_usage") }}
        group by
            {{ of_member | join(", ") }},
            kind,
            coalesce(database_name, ''),
            coalesce(application_name, ''),
            measured_from,
            measured_at
    ),

    moments as (
        select distinct {{ of_member | join(", ") }}, kind, measured_at
        from measured
        where kind in ('counter', 'level')
    ),

    sequenced as (
        select
            moments.*,
            lag(measured_at) over (
                partition by {{ of_member | join(", ") }}, kind order by measured_at
            ) as previous_at,
            lead(measured_at) over (
                partition by {{ of_member | join(", ") }}, kind order by measured_at
            ) as next_at
        from moments
    ),

    intervals as (
        select
            {% for column in of_use %} counted.{{ column }}, {% endfor %}
            greatest(sequenced.previous_at, counted.measured_from) as used_from,
            counted.measured_at as used_until,
            case
                when counted.measured_from > sequenced.previous_at
                then counted.quantity
                else greatest(counted.quantity - coalesce(earlier.quantity, 0), 0)
            end as quantity
        from measured as counted
        inner join
            sequenced
            on {% for column in of_member %}
                counted.{{ column }} is not distinct from sequenced.{{ column }} and
            {% endfor %}
            counted.kind = sequenced.kind and counted.measured_at = sequenced.measured_at
        left join
            measured as earlier
            on {% for column in of_use %}
                counted.{{ column }} is not distinct from earlier.{{ column }} and
            {% endfor %}
            counted.kind = earlier.kind and sequenced.previous_at = earlier.measured_at
        where counted.kind = 'counter' and sequenced.previous_at is not null
    ),

    spread as (
        select
            intervals.*,
            days.date_day as usage_day,
            {{ milliseconds_between("used_from", "used_until") }} as interval_length,
            {{
                milliseconds_between(
                    "greatest(used_from, cast(days.date_day as timestamp))",
                    "least(used_until, cast(days.date_day as timestamp) + interval '1' day)",
                )
            }} as length_in_day
        from
            intervals,
            {{ days_between("cast(intervals.used_from as date)", "cast(intervals.used_until as date)") }}
            as days
    ),

    counted_by_day as (
        select
            {{ of_use | join(", ") }},
            usage_day,
            {{
                whole_quotient(
                    whole_number("quantity") ~ " * " ~ whole_number("length_in_day"),
                    whole_number("interval_length"),
                )
            }} as quantity
        from spread
        where interval_length > 0 and length_in_day > 0
    ),

    sized as (
        select
            {% for column in of_use %} levels.{{ column }}, {% endfor %}
            levels.quantity,
            cast(levels.measured_at as date) as first_day,
            cast(
                least(
                    coalesce(sequenced.next_at, levels.measured_at + interval '7' day),
                    levels.measured_at + interval '7' day
                ) as date
            ) as day_after
        from measured as levels
        inner join
            sequenced
            on {% for column in of_member %}
                levels.{{ column }} is not distinct from sequenced.{{ column }} and
            {% endfor %}
            levels.kind = sequenced.kind and levels.measured_at = sequenced.measured_at
        where levels.kind = 'level'
    ),

    sized_by_day as (
        select {{ of_use | join(", ") }}, days.date_day as usage_day, quantity
        from sized, {{ days_between("sized.first_day", "sized.day_after") }} as days
        where days.date_day < day_after
    ),

    by_day as (
        select {{ of_use | join(", ") }}, usage_day, quantity
        from counted_by_day

        union all

        select {{ of_use | join(", ") }}, usage_day, quantity
        from sized_by_day

        union all

        select {{ of_use | join(", ") }}, cast(measured_from as date), quantity
        from measured
        where kind = 'day'
    )

select
    project_id,
    cluster_name,
    coalesce(member, '') as member,
    usage_day,
    driver,
    database_name,
    application_name,
    {{ whole_number("sum(quantity)") }} as quantity
from by_day
group by project_id, cluster_name, coalesce(member, ''), usage_day, driver, database_name, application_name

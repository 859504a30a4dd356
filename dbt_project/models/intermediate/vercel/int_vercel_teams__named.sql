-- A team's newest name.
with
    teams as (select * from {{ ref("stg_vercel__teams") }}),

    ranked as (
        select
            team_id,
            coalesce(team_name, slug) as team_name,
            created_at,
            delivered_at,
            min(delivered_at) over (partition by team_id) as first_delivered_at,
            row_number() over (
                partition by team_id order by delivered_at desc, team_name, slug
            ) as recency_rank
        from teams
    )

select team_id, team_name, created_at, first_delivered_at, delivered_at
from ranked
where recency_rank = 1

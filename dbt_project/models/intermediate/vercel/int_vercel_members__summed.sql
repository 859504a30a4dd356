-- Who may administer a project, by a role of their own in it.
with
    members as (select * from {{ ref("stg_vercel__members") }}),

    holders as (select distinct projects from members),

    roles as (select * from {{ json_pairs("holders", "projects") }} as pairs)

select
    roles.pair_name as project_id, {{ joined_text("members.username", "members.username") }} as administrators
from members
inner join roles on members.projects = roles.projects
where roles.pair_value = 'ADMIN' and members.username is not null
group by roles.pair_name

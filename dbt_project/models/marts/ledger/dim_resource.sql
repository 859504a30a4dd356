-- Only Vercel's lists so far; bills name resources of other vendors, and no list of theirs is landed.
with
    projects as (select * from {{ ref("int_vercel_projects__versioned") }}),

    members as (select * from {{ ref("int_vercel_members__summed") }})

select
    'vercel' as source,
    'Project' as resource_type,
    projects.project_id as resource_id,
    projects.project_name as resource_name,
    projects.team_id as parent_id,
    projects.access_group_name as owning_group,
    members.administrators,
    projects.repository,
    projects.created_at,
    projects.valid_from,
    projects.valid_to,
    projects.valid_to is null as is_current,
    projects.is_deleted,
    projects.last_listed_at
from projects
left join members on projects.project_id = members.project_id

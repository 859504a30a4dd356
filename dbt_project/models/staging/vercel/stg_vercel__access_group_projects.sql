with delivered as (select * from {{ lake_versions("raw_vercel", "access_group_projects") }})

select
    access_group_id,
    nullif(access_group_name, '') as access_group_name,
    group_project_count,
    team_id,
    project_id,
    nullif(role, '') as role,
    slice_id,
    delivery_load_id as load_id
from delivered

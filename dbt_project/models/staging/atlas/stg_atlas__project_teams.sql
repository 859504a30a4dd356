with delivered as (select * from {{ lake_versions("raw_atlas", "project_teams") }})

select
    project_id,
    team_id,
    nullif(team_name, '') as team_name,
    roles,
    team_project_count,
    slice_id,
    delivery_load_id as load_id
from delivered

with delivered as (select * from {{ lake_versions("raw_vercel", "projects") }})

select
    project_id,
    nullif(team_id, '') as team_id,
    nullif(name, '') as project_name,
    nullif(repository, '') as repository,
    {{ utc_timestamp("created_at") }} as created_at,
    {{ utc_timestamp("delivered_at") }} as delivered_at,
    {{ utc_timestamp("newest_list_at") }} as newest_list_at,
    has_access_groups,
    slice_id,
    delivery_load_id as load_id
from delivered

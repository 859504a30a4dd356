with delivered as (select * from {{ lake_versions("raw_atlas", "projects") }})

select
    project_id,
    nullif(name, '') as project_name,
    nullif(org_id, '') as org_id,
    {{ utc_timestamp("created") }} as created_at,
    {{ utc_timestamp("delivered_at") }} as delivered_at,
    {{ utc_timestamp("newest_list_at") }} as newest_list_at,
    tags,
    has_teams,
    slice_id,
    delivery_load_id as load_id
from delivered

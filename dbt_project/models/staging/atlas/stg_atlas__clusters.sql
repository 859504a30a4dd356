with delivered as (select * from {{ lake_versions("raw_atlas", "clusters") }})

select
    cluster_id,
    name as cluster_name,
    project_id,
    {{ utc_timestamp("created") }} as created_at,
    {{ utc_timestamp("delivered_at") }} as delivered_at,
    {{ utc_timestamp("newest_list_at") }} as newest_list_at,
    tags,
    slice_id,
    delivery_load_id as load_id
from delivered

with delivered as (select * from {{ lake_table("raw_atlas", "clusters") }})

select
    cluster_id,
    name,
    project_id,
    {{ utc_timestamp("created") }} as created,
    tags,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

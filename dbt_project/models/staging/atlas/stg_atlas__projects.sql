with delivered as (select * from {{ lake_table("raw_atlas", "projects") }})

select
    project_id,
    name,
    org_id,
    {{ utc_timestamp("created") }} as created,
    tags,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

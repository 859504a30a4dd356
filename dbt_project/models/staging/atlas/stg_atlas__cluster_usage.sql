with delivered as (select * from {{ lake_table("raw_atlas", "cluster_usage") }})

select
    project_id,
    cluster_name,
    member,
    driver,
    kind,
    database_name,
    application_name,
    quantity,
    {{ utc_timestamp("measured_from") }} as measured_from,
    {{ utc_timestamp("measured_at") }} as measured_at,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

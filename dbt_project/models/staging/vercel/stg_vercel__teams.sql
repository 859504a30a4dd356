with delivered as (select * from {{ lake_table("raw_vercel", "teams") }})

select
    team_id,
    slug,
    name,
    {{ utc_timestamp("created_at") }} as created_at,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

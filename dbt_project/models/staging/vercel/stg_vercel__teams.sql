with delivered as (select * from {{ lake_versions("raw_vercel", "teams") }})

select
    team_id,
    nullif(slug, '') as slug,
    nullif(name, '') as team_name,
    {{ utc_timestamp("created_at") }} as created_at,
    {{ utc_timestamp("delivered_at") }} as delivered_at,
    slice_id,
    delivery_load_id as load_id
from delivered

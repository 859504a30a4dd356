with delivered as (select * from {{ lake_table("raw_vercel", "members") }})

select
    team_id,
    user_id,
    nullif(username, '') as username,
    nullif(role, '') as role,
    projects,
    {{ utc_timestamp("created_at") }} as created_at,
    slice_id,
    delivery_load_id as load_id
from delivered

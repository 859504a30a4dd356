with delivered as (select * from {{ lake_table("raw_vercel", "ai_gateway_credits") }})

select {{ utc_timestamp("read_at") }} as read_at, balance, total_used, slice_id, delivery_load_id as load_id
from delivered

with delivered as (select * from {{ lake_table("raw_registry", "allocation_pool_members") }})

select pool_owner_id, valid_from, member_owner_id, share, slice_id, delivery_load_id as load_id, billing_month
from delivered

with delivered as (select * from {{ lake_table("raw_registry", "allocation_pools") }})

select pool_owner_id, method, valid_from, valid_to, slice_id, delivery_load_id as load_id, billing_month
from delivered

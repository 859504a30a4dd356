with delivered as (select * from {{ lake_table("raw_registry", "claim_keys") }})

select position, claim, key as claim_key, slice_id, delivery_load_id as load_id
from delivered

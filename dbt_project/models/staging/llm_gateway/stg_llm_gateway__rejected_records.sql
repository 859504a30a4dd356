with delivered as (select * from {{ lake_table("raw_llm_gateway", "rejected_records") }})

select place, reason, slice_id, delivery_load_id as load_id, billing_month
from delivered

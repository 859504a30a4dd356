with delivered as (select * from {{ lake_table("raw_registry", "repriced_months") }})

select month as billing_month, as_of, reason, slice_id, delivery_load_id as load_id
from delivered

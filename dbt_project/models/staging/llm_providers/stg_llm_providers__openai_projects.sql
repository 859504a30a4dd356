with delivered as (select * from {{ lake_table("raw_llm_providers", "openai_projects") }})

select project_id, name, status, extra, slice_id, delivery_load_id as load_id, billing_month
from delivered

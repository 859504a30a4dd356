with delivered as (select * from {{ lake_table("raw_registry", "model_names") }})

select
    {{ canonical_provider("provider") }} as provider,
    name as model_name,
    model,
    valid_from,
    valid_to,
    slice_id,
    delivery_load_id as load_id
from delivered

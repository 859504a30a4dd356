with delivered as (select * from {{ lake_table("raw_registry", "owners") }})

select
    owner_id,
    owner_kind,
    name,
    parent_owner_id,
    team_owner_id,
    owner_path,
    cost_center,
    contact,
    steward,
    valid_from,
    valid_to,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

with delivered as (select * from {{ lake_table("raw_registry", "ownership_rules") }})

select
    rule_id,
    claim,
    match,
    value,
    owner_id,
    priority,
    valid_from,
    valid_to,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

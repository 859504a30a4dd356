with delivered as (select * from {{ lake_table("raw_llm_providers", "entities") }})

select
    provider,
    kind,
    entity_id,
    name,
    status,
    parent_id,
    owner_kind,
    owner_id,
    email_hash,
    tags,
    created_at,
    expires_at,
    archived_at,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

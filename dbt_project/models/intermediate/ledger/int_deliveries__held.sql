{{ config(materialized="table", meta={"refresh": "always"}) }}

-- Read once a run, as the current slices are.
with held as (select * from {{ held_deliveries() }})

select
    dataset,
    ledger_source as source,
    billing_period as billing_month,
    slice_id,
    load_id,
    rule,
    reason,
    {{ utc_timestamp("held_at") }} as held_at
from held

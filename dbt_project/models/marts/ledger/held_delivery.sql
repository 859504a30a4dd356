{{ config(meta={"refresh": "always"}) }}

with
    held as (select * from {{ ref("int_deliveries__held") }}),

    slices as (select * from {{ ref("int_slices__current") }})

select
    held.source,
    held.billing_month,
    held.slice_id,
    held.load_id,
    slices.load_id as ledger_load_id,
    held.rule,
    held.reason,
    held.held_at
from held
left join slices on held.dataset = slices.dataset and held.slice_id = slices.slice_id

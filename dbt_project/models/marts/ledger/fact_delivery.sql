{{ config(meta={"refresh": "always"}) }}

with
    slices as (select * from {{ ref("int_slices__current") }}),

    judged as (select * from {{ ref("int_slices__judged") }})

select
    slices.dataset,
    slices.source,
    slices.slice_id,
    slices.load_id,
    slices.state,
    slices.billing_month,
    slices.vendor_version,
    slices.row_count,
    slices.content_digest,
    slices.extracted_at,
    slices.window_start,
    slices.window_end,
    slices.newest_charge_at,
    slices.message,
    judged.previous_load_id,
    judged.previous_row_count,
    judged.finding
from slices
left join
    judged
    on slices.dataset = judged.dataset
    and slices.slice_id = judged.slice_id
    and slices.load_id = judged.load_id

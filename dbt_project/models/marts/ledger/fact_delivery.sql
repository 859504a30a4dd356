{{ config(meta={"refresh": "always"}) }}

-- A slice that was refused and never delivered has no current delivery: its state is `refused`.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    judged as (select * from {{ ref("int_slices__judged") }}),

    refused as (select * from {{ ref("int_slices__refused") }})

select
    coalesce(slices.dataset, refused.dataset) as dataset,
    coalesce(slices.source, refused.source) as source,
    coalesce(slices.slice_id, refused.slice_id) as slice_id,
    slices.load_id,
    coalesce(slices.state, 'refused') as state,
    coalesce(slices.billing_month, refused.billing_month) as billing_month,
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
    judged.finding,
    refused.refused_at,
    refused.refusal
from slices
full outer join refused on slices.dataset = refused.dataset and slices.slice_id = refused.slice_id
left join
    judged
    on slices.dataset = judged.dataset
    and slices.slice_id = judged.slice_id
    and slices.load_id = judged.load_id

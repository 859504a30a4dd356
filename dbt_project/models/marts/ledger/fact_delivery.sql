{{ config(meta={"refresh": "always"}) }}

with slices as (select * from {{ ref("int_slices__current") }})

select
    dataset,
    source,
    slice_id,
    load_id,
    state,
    billing_month,
    vendor_version,
    row_count,
    content_digest,
    extracted_at,
    window_start,
    window_end,
    newest_charge_at
from slices

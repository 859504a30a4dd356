{{ config(materialized="table", meta={"refresh": "always"}) }}

-- The run reads the delivery notes once (on-run-start), so that all models see the same deliveries.
with current_slices as (select * from {{ current_slices() }})

select
    dataset,
    {{ source_of_slice() }} as source,
    slice_id,
    load_id,
    state,
    billing_period as billing_month,
    vendor_version,
    row_count,
    content_digest,
    {{ utc_timestamp("extracted_at") }} as extracted_at,
    {{ utc_timestamp("window_start") }} as window_start,
    {{ utc_timestamp("window_end") }} as window_end,
    {{ utc_timestamp("oldest_charge_at") }} as oldest_charge_at,
    {{ utc_timestamp("newest_charge_at") }} as newest_charge_at,
    message
from current_slices

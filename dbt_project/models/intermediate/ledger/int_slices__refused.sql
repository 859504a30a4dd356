{{ config(materialized="table", meta={"refresh": "always"}) }}

-- The slices whose newest delivery was refused: their last good delivery, if there is one, stays current.
with
    notes as (
        select
            dataset,
            slice_id,
            state,
            billing_period as billing_month,
            {{ utc_timestamp("extracted_at") }} as refused_at,
            message as refusal,
            row_number() over (
                partition by dataset, slice_id order by extracted_at desc, note_load_id desc
            ) as recency_rank
        from {{ lake_schema() }}.delivery_notes
    )

select dataset, {{ source_of_slice() }} as source, slice_id, billing_month, refused_at, refusal
from notes
where recency_rank = 1 and state = 'refused'

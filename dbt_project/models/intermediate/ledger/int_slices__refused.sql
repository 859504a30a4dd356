{{ config(materialized="table", meta={"refresh": "always"}) }}

-- The slices whose newest delivery was refused: their last good delivery, if there is one, stays current. A
-- slice that the newest landing of its month no longer asked for (a file that was removed) is none of them.
with
    notes as (
        select
            dataset,
            slice_id,
            state,
            billing_period as billing_month,
            extracted_at,
            message as refusal,
            row_number() over (
                partition by dataset, slice_id order by {{ newest_note_first() }}
            ) as recency_rank,
            rank() over (
                partition by dataset, billing_period
                order by landing_sequence desc nulls last, extracted_at desc
            ) as landing_rank
        from {{ lake_schema() }}.delivery_notes
    )

select
    dataset,
    {{ source_of_slice() }} as source,
    slice_id,
    billing_month,
    {{ utc_timestamp("extracted_at") }} as refused_at,
    refusal
from notes
where recency_rank = 1 and state = 'refused' and landing_rank = 1

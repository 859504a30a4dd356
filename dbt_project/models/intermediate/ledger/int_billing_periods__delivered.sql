-- The slices of each billing period. A list of an LLM provider has no month: it counts for each month that
-- refers to it, and its version there is the digest of the entries that the month refers to.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    lists as (select * from {{ ref("int_llm_entities__referenced") }})

select dataset, source, billing_month, slice_id, load_id, vendor_version, content_digest, extracted_at
from slices
where billing_month is not null

union all

select
    slices.dataset,
    lists.source,
    lists.billing_month,
    lists.slice_id,
    lists.content_digest as load_id,
    cast(null as string) as vendor_version,
    lists.content_digest,
    slices.extracted_at
from lists
inner join slices on lists.slice_id = slices.slice_id and slices.dataset = 'raw_llm_providers'

-- The slices of each billing period. A list of an LLM provider has no month: it counts for each month that
-- refers to it, and its version there is the digest of the entries that the month refers to. A slice of
-- requests counts for each month that it has requests of: a span is exported after its end, and a gateway's
-- day
-- may be a local one.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    lists as (select * from {{ ref("int_llm_entities__referenced") }}),

    months as (select distinct billing_month from slices where billing_month is not null)

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

union all

select
    slices.dataset,
    slices.source,
    months.billing_month,
    slices.slice_id,
    slices.load_id,
    slices.vendor_version,
    slices.content_digest,
    slices.extracted_at
from slices
inner join
    months
    on months.billing_month >= {{ month_text("slices.oldest_charge_at") }}
    and months.billing_month <= {{ month_text("slices.newest_charge_at") }}
    and months.billing_month <> slices.billing_month
where slices.source = '{{ estimating_source() }}'

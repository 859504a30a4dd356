{{ config(severity="warn") }}

-- Every record of a current delivery can be read. What the others bill is not in the ledger.
select
    source,
    slice_id,
    billing_currency,
    min(place) as first_place,
    min(reason) as first_reason,
    count(*) as record_count,
    sum(billed_cost) as billed_cost
from {{ ref("rejected_record") }}
group by source, slice_id, billing_currency

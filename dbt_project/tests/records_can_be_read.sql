{{ config(severity="warn") }}

-- Every record of a current delivery can be read. What the others would cost is not in the ledger.
select source, slice_id, min(place) as first_place, min(reason) as first_reason, count(*) as record_count
from {{ ref("rejected_record") }}
group by source, slice_id

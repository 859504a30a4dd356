-- Charges as shared out over the requests that made them. Charges that no telemetry explains pass through
-- whole.
with charges as (select * from {{ ref("int_charges__unified") }})

select
    charges.*,
    charges.charge_key as origin_charge_key,
    cast(null as varchar) as allocation_method,
    cast(null as decimal(20, 12)) as allocation_ratio,
    'not_applicable' as telemetry_status
from charges

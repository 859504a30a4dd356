{{ config(meta={"refresh": "always"}) }}

-- How fresh each source is by its content: the newest charge that it has delivered, and when it was last
-- asked.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    slas as (select * from {{ ref("source_freshness_slas") }})

select
    slas.source,
    slas.dataset,
    max(slices.newest_charge_at) as newest_charge_at,
    max(slices.extracted_at) as last_extracted_at,
    cast(slas.freshness_sla_hours as integer) as freshness_sla_hours,
    cast(count(slices.slice_id) as bigint) as slice_count
from slas
left join slices on slas.dataset = slices.dataset and slas.source = slices.source
group by slas.source, slas.dataset, slas.freshness_sla_hours

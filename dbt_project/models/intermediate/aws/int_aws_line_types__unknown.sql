{{
    config(
        materialized="incremental",
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook="{{ drop_stale_periods('charges_fingerprint') }}",
    )
}}

-- Line types that the seed does not know: kept as adjustments at their unblended cost, and reported here.
with lines as (select * from {{ aws_lines_to_build(ref("int_aws_lines__amortised")) }} as current_lines)

select
    source,
    charges_fingerprint,
    billing_month,
    line_item_line_item_type,
    line_item_currency_code,
    count(*) as line_count,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost
from lines
where not is_known_type
group by source, charges_fingerprint, billing_month, line_item_line_item_type, line_item_currency_code

union all

-- A month in which there is nothing is remembered as looked at: it is not read again.
select source, charges_fingerprint, billing_month, null, null, 0, null
from {{ periods_to_build("charges_fingerprint") }} as looked_at
where source = 'aws'

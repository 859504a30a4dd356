{{
    config(
        materialized="incremental",
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook="{{ drop_stale_periods('ledger_fingerprint') }}",
    )
}}

with
    charges as (select * from {{ ref("int_charges__metered") }}),

    resolved as (select * from {{ ref("int_claims__resolved") }}),

    periods as (select * from {{ periods_to_build("ledger_fingerprint") }})

select
    charges.*,
    coalesce(resolved.owner_id, 'unowned') as owner_id,
    resolved.rule_id as ownership_rule_id,
    coalesce(resolved.evidence_kind, 'none') as evidence_kind,
    resolved.evidence_value,
    coalesce(resolved.evidence_rank, 8) as evidence_rank
from charges
inner join periods on charges.source = periods.source and charges.billing_month = periods.billing_month
left join
    resolved
    on charges.source = resolved.source
    and charges.billing_month = resolved.billing_month
    and charges.claims = resolved.claims
    and cast(charges.charge_period_start as date) = resolved.charge_day

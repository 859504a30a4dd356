{{ built_by_period("ledger_fingerprint") }}

with
    summed as (select * from {{ ref("int_claims__summed") }}),

    periods as (select * from {{ periods_to_build("ledger_fingerprint") }}),

    -- Many charges make the same claims on the same day: each combination is resolved once.
    claimed as (
        select distinct
            summed.source, summed.billing_month, summed.ledger_fingerprint, summed.claims, summed.charge_day
        from summed
        inner join periods on summed.source = periods.source and summed.billing_month = periods.billing_month
    ),

    {{ resolving_claims(["source", "billing_month", "ledger_fingerprint"]) }}

select
    source,
    billing_month,
    ledger_fingerprint,
    claims,
    charge_day,
    rule_id,
    owner_id,
    evidence_kind,
    evidence_rank,
    claim_kind || '=' || claim_value as evidence_value
from candidates
where match_rank = 1

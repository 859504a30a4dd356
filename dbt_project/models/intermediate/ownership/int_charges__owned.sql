-- Each charge with the owner that its claims lead to.
with
    charges as (select * from {{ ref("int_charges__metered") }}),

    resolved as (select * from {{ ref("int_claims__resolved") }})

select
    charges.*,
    coalesce(resolved.owner_id, 'unowned') as owner_id,
    resolved.rule_id as ownership_rule_id,
    coalesce(resolved.evidence_kind, 'none') as evidence_kind,
    resolved.evidence_value,
    coalesce(resolved.evidence_rank, 8) as evidence_rank
from charges
left join
    resolved
    on charges.source = resolved.source
    and charges.billing_month = resolved.billing_month
    and charges.claims = resolved.claims
    and cast(charges.charge_period_start as date) = resolved.charge_day

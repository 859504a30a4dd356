{{ built_by_period("requests_fingerprint") }}

-- The owner of requests by their claims, under the same rules as charges. Many requests of a day make the
-- same claims: each combination is resolved once.
with
    requests as (
        select *
        from
            {{ charges_to_build(ref("int_llm_requests__deduplicated"), "requests_fingerprint") }}
            as current_requests
    ),

    claimed as (
        select distinct source, billing_month, requests_fingerprint, claims, usage_day as charge_day
        from requests
    ),

    {{ resolving_claims(["source", "billing_month", "requests_fingerprint"]) }}

select
    claimed.source,
    claimed.billing_month,
    claimed.requests_fingerprint,
    claimed.claims,
    claimed.charge_day as usage_day,
    coalesce(candidates.owner_id, 'unowned') as owner_id,
    candidates.rule_id as ownership_rule_id,
    coalesce(candidates.evidence_kind, 'none') as evidence_kind,
    coalesce(candidates.evidence_rank, 8) as evidence_rank
from claimed
left join
    candidates
    on claimed.billing_month = candidates.billing_month
    and claimed.claims = candidates.claims
    and claimed.charge_day = candidates.charge_day
    and candidates.match_rank = 1

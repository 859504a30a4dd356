{{ config(materialized="table") }}

-- Whose requests are by the claims that they make: the rules that judge charges judge them. Many requests
-- claim
-- the same on
-- a day: each combination is judged once.
with
    requests as (select * from {{ ref("int_llm_requests__deduplicated") }}),

    claimed as (select distinct claims, usage_day as charge_day from requests),

    {{ resolving_claims() }}

select
    claimed.claims,
    claimed.charge_day as usage_day,
    coalesce(candidates.owner_id, 'unowned') as owner_id,
    candidates.rule_id as ownership_rule_id,
    coalesce(candidates.evidence_kind, 'none') as evidence_kind,
    coalesce(candidates.evidence_rank, 8) as evidence_rank
from claimed
left join
    candidates
    on claimed.claims = candidates.claims
    and claimed.charge_day = candidates.charge_day
    and candidates.place = 1

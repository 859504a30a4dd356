-- Each charge gets the owner of its claims; where no rule matches, it is unowned. A charge whose owner is a
-- shared pool becomes one row a member, in proportion to the members' weights; every other stays whole.
with
    charges as (select * from {{ ref("int_charges__metered") }}),

    resolved as (select * from {{ ref("int_claims__resolved") }}),

    weights as (select * from {{ ref("int_pool_weights__computed") }}),

    owned as (
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
    ),

    weighted as (
        select
            owned.*,
            weights.member_owner_id,
            weights.allocation_method as pool_method,
            weights.weight,
            weights.cumulative_weight_before,
            weights.cumulative_weight,
            weights.total_weight
        from owned
        left join
            weights
            on owned.owner_id = weights.pool_owner_id
            and owned.billing_month = weights.billing_month
            and owned.billing_currency = weights.billing_currency
            and cast(owned.charge_period_start as date) >= weights.valid_from
            and cast(owned.charge_period_start as date) < weights.valid_to
    )

select
    {{
        split_charge(
            "member_owner_id",
            {
                "allocated_method_id": "'pool-' || pool_method || '-v1'",
                "allocated_resource_id": "member_owner_id",
                "allocated_resource_name": "member_owner_id",
                "allocated_tags": "coalesce(tags, '{}')",
            },
        )
    }},
    origin_charge_key,
    coalesce(member_owner_id, owner_id) as owner_id,
    ownership_rule_id,
    case when total_weight is null then evidence_kind else 'allocation' end as evidence_kind,
    case
        when total_weight is null
        then evidence_value
        else 'pool=' || owner_id || ' (' || coalesce(evidence_value, '') || ')'
    end as evidence_value,
    case when total_weight is null then evidence_rank else 6 end as evidence_rank,
    case when total_weight is null then allocation_method else pool_method end as allocation_method,
    case
        when total_weight is null then allocation_ratio else {{ ratio("weight", "total_weight") }}
    end as allocation_ratio,
    telemetry_status,
    case when total_weight is not null then owner_id end as pool_owner_id
from weighted

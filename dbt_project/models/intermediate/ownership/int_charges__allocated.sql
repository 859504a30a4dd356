-- A charge of a shared pool becomes one row a member, in proportion to the members' weights; the others
-- stay whole.
with
    owned as (select * from {{ ref("int_charges__owned") }}),

    weights as (select * from {{ ref("int_pool_weights__computed") }}),

    shared as (
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
    {% for column in charge_columns() if column not in ("charge_key",) %}
        {% if column in summable_columns() %}
            case when total_weight is null then {{ column }} else {{ share_of(column) }} end as {{ column }},
        {% elif column == "allocated_method_id" %}
            case
                when total_weight is null then {{ column }} else 'pool-' || pool_method || '-v1'
            end as {{ column }},
        {% elif column in ("allocated_resource_id", "allocated_resource_name") %}
            case when total_weight is null then {{ column }} else member_owner_id end as {{ column }},
        {% elif column == "allocated_tags" %}
            case when total_weight is null then {{ column }} else coalesce(tags, '{}') end as {{ column }},
        {% elif column == "allocated_method_details" %}
            case
                when total_weight is null
                then {{ column }}
                else
                    '{"Elements":[{"AllocatedRatio":'
                    || {{ decimal_text(ratio("weight", "total_weight")) }}
                    || ',"UsageUnit":null,"UsageQuantity":null}]}'
            end as {{ column }},
        {% else %} {{ column }},
        {% endif %}
    {% endfor %}
    case
        when total_weight is null then charge_key else {{ md5_key(["charge_key", "member_owner_id"]) }}
    end as charge_key,
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
from shared

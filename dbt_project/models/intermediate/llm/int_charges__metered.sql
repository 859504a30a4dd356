{%- set with_claims = "substr(claims, 1, length(claims) - 1) || " -%}
{%- set replaced = {
    "claims": "case part_status when 'metered' then request_claims when 'unmetered' then " ~ with_claims
    ~ "case when claims = '{}' then '' else ',' end || '\"telemetry\":\"unmetered\"}' else " ~ with_claims
    ~ "coalesce(',\"atlas_database\":' || " ~ json_of_text("database_id") ~ ", '') || "
    ~ "coalesce(',\"atlas_application\":' || " ~ json_of_text("application_name") ~ ", '') || '}' end",
    "allocated_method_id": "split_method || '-v1'",
    "allocated_resource_id": "coalesce(request_workflow_id, database_id, group_key)",
    "allocated_resource_name": "coalesce(request_workflow_id, database_name, part_status)",
    "allocated_tags": "case part_status when 'metered' then request_claims when 'unmetered' then claims else coalesce(tags, '{}') end",
} -%}
{%- for column in attribution_columns() -%}
    {%- do replaced.update({column: "request_" ~ column}) -%}
{%- endfor -%}

-- The bill is the money, and use decides whose it is. An AI charge is split by tokens over the requests of
-- its bucket. Tokens that the provider counted and no request explains are one unmetered part, which has the
-- claims of the bill alone. A cluster's compute and storage are split by what its databases and applications
-- used; each part has the claims of the cluster beside its own.
with
    -- A condition of one side alone, in an outer join, would compare each charge with each part.
    charges as (
        select
            unified.*,
            case when source = 'atlas' and ai_provider is null then resource_id end as cluster_id,
            {{ atlas_cost_kind("sku_meter") }} as cost_kind
        from {{ ref("int_charges__unified") }} as unified
    ),

    weights as (select * from {{ ref("int_llm_allocation_weights__computed") }}),

    uses as (select * from {{ ref("int_atlas_usage_weights__computed") }}),

    weighted as (
        select
            charges.*,
            coalesce(weights.group_key, uses.group_key) as group_key,
            weights.request_claims,
            {% for column in attribution_columns() %} weights.request_{{ column }}, {% endfor %}
            uses.database_id,
            uses.database_name,
            uses.application_name,
            coalesce(
                weights.part_status, case when uses.database_id is null then 'cluster' else 'database' end
            ) as part_status,
            case
                when weights.weight is null then uses.method else 'llm-request-log-tokens'
            end as split_method,
            case when weights.weight is null then uses.unit else 'Tokens' end as weight_unit,
            coalesce(weights.weight, uses.weight) as weight,
            coalesce(
                weights.cumulative_weight_before, uses.cumulative_weight_before
            ) as cumulative_weight_before,
            coalesce(weights.cumulative_weight, uses.cumulative_weight) as cumulative_weight,
            coalesce(weights.total_weight, uses.total_weight) as total_weight
        from charges
        left join
            weights
            on charges.source = weights.source
            and charges.billing_month = weights.billing_month
            and charges.ai_provider = weights.ai_provider
            and charges.ai_model = weights.ai_model
            and charges.ai_token_class = weights.ai_token_class
            and cast(charges.charge_period_start as date) = weights.usage_day
            and charges.ai_service_tier is not distinct from weights.ai_service_tier
            and charges.ai_account is not distinct from weights.ai_account
        left join
            uses
            on charges.cluster_id = uses.resource_id
            and cast(charges.charge_period_start as date) = uses.usage_day
            and charges.cost_kind = uses.cost_kind
    )

select
    {{ split_charge("group_key", replaced, weight_unit="weight_unit") }},
    charge_key as origin_charge_key,
    case when total_weight is not null then split_method || '-v1' end as allocation_method,
    case when total_weight is not null then {{ ratio("weight", "total_weight") }} end as allocation_ratio,
    case
        when ai_provider is null
        then 'not_applicable'
        -- An estimate is made of requests and already has their claims.
        when {{ is_estimate("weighted") }}
        then 'metered'
        when part_status in ('metered', 'unmetered')
        then part_status
        else 'unmetered'
    end as telemetry_status
from weighted

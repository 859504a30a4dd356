{%- set replaced = {
    "claims": "case part_status when 'metered' then request_claims else "
    ~ "substr(claims, 1, length(claims) - 1) || case when claims = '{}' then '' else ',' end "
    ~ "|| '\"telemetry\":\"unmetered\"}' end",
    "allocated_method_id": "'llm-request-log-tokens-v1'",
    "allocated_resource_id": "coalesce(request_workflow_id, group_key)",
    "allocated_resource_name": "coalesce(request_workflow_id, part_status)",
    "allocated_tags": "case part_status when 'metered' then request_claims else claims end",
} -%}
{%- for column in attribution_columns() -%}
    {%- do replaced.update({column: "request_" ~ column}) -%}
{%- endfor -%}

-- The bill is the money, and the requests decide whose it is. An AI charge is split by tokens over the
-- requests of its bucket. Tokens that the provider counted and no request explains are one unmetered part,
-- which has the claims of the bill alone.
with
    charges as (select * from {{ ref("int_charges__unified") }}),

    weights as (select * from {{ ref("int_llm_allocation_weights__computed") }}),

    weighted as (
        select
            charges.*,
            weights.group_key,
            weights.request_claims,
            {% for column in attribution_columns() %} weights.request_{{ column }}, {% endfor %}
            weights.part_status,
            weights.weight,
            weights.cumulative_weight_before,
            weights.cumulative_weight,
            weights.total_weight
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
    )

select
    {{ split_charge("group_key", replaced, weight_unit="Tokens") }},
    charge_key as origin_charge_key,
    case when total_weight is not null then 'llm-request-log-tokens-v1' end as allocation_method,
    case when total_weight is not null then {{ ratio("weight", "total_weight") }} end as allocation_ratio,
    case
        when ai_provider is null
        then 'not_applicable'
        -- An estimate is made of requests and already has their claims.
        when {{ is_estimate("weighted") }}
        then 'metered'
        else coalesce(part_status, 'unmetered')
    end as telemetry_status
from weighted

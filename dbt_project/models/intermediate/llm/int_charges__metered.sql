{%- set attributes = attribution_columns() -%}

-- The bill is the money; the requests decide whose it is. An AI charge is split over the requests of its
-- bucket by tokens. Tokens that the provider counted and no request explains stay as one unmetered part, with
-- the claims of the bill alone. The parts add up to the charge.
with
    charges as (select * from {{ ref("int_charges__unified") }}),

    buckets as (select * from {{ ref("int_llm_allocation_weights__computed") }}),

    shared as (
        select
            charges.*,
            buckets.group_key,
            buckets.request_claims,
            {% for column in attributes %} buckets.request_{{ column }}, {% endfor %}
            buckets.part_status,
            buckets.weight,
            buckets.cumulative_weight_before,
            buckets.cumulative_weight,
            buckets.total_weight
        from charges
        left join
            buckets
            on charges.source = buckets.source
            and charges.billing_month = buckets.billing_month
            and charges.ai_provider = buckets.ai_provider
            and charges.ai_model = buckets.ai_model
            and charges.ai_token_class = buckets.ai_token_class
            and cast(charges.charge_period_start as date) = buckets.usage_day
            and charges.ai_service_tier is not distinct from buckets.ai_service_tier
            and charges.ai_account is not distinct from buckets.ai_account
    )

select
    {% for column in charge_columns() if column != "charge_key" %}
        {% if column in summable_columns() %}
            case when total_weight is null then {{ column }} else {{ share_of(column) }} end as {{ column }},
        {% elif column in attributes %}
            case when total_weight is null then {{ column }} else request_{{ column }} end as {{ column }},
        {% elif column == "claims" %}
            case
                part_status
                when 'metered'
                then request_claims
                when 'unmetered'
                then
                    substr(claims, 1, length(claims) - 1)
                    || case when claims = '{}' then '' else ',' end
                    || '"telemetry":"unmetered"}'
                else claims
            end as claims,
        {% elif column == "allocated_method_id" %}
            case
                when total_weight is null then {{ column }} else 'llm-request-log-tokens-v1'
            end as {{ column }},
        {% elif column == "allocated_resource_id" %}
            case
                when total_weight is null then {{ column }} else coalesce(request_workflow_id, group_key)
            end as {{ column }},
        {% elif column == "allocated_resource_name" %}
            case
                when total_weight is null then {{ column }} else coalesce(request_workflow_id, part_status)
            end as {{ column }},
        {% elif column == "allocated_tags" %}
            case
                part_status when 'metered' then request_claims when 'unmetered' then claims else {{ column }}
            end as {{ column }},
        {% elif column == "allocated_method_details" %}
            case
                when total_weight is null
                then {{ column }}
                else
                    '{"Elements":[{"AllocatedRatio":'
                    || {{ decimal_text(ratio("weight", "total_weight")) }}
                    || ',"UsageUnit":"Tokens","UsageQuantity":'
                    || cast(weight as string)
                    || '}]}'
            end as {{ column }},
        {% else %} {{ column }},
        {% endif %}
    {% endfor %}
    case
        when total_weight is null then charge_key else {{ md5_key(["charge_key", "group_key"]) }}
    end as charge_key,
    charge_key as origin_charge_key,
    case when total_weight is not null then 'llm-request-log-tokens-v1' end as allocation_method,
    case when total_weight is not null then {{ ratio("weight", "total_weight") }} end as allocation_ratio,
    case
        when ai_provider is null
        then 'not_applicable'
        -- An estimate is made from requests and carries their claims.
        when {{ is_estimate("shared") }}
        then 'metered'
        else coalesce(part_status, 'unmetered')
    end as telemetry_status
from shared

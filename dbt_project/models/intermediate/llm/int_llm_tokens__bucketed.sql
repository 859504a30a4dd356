{{ built_by_period("charges_fingerprint") }}

{%- set classes = {
    "input": "input_uncached_tokens",
    "cached_input": "cache_read_tokens",
    "cache_write_5m": "cache_write_5m_tokens",
    "cache_write_1h": "cache_write_1h_tokens",
    "output": "output_tokens",
} -%}
{%- set keys = [
    "source", "billing_month", "charges_fingerprint", "provider", "model_id", "usage_day", "served_tier",
    "provider_account_id", "claims", "accountable_id", "service_name", "customer_id", "workflow", "feature",
    "environment",
] -%}

-- The gateway's billed tokens by bucket (provider, model, token class, tier, UTC day, account) and by user.
-- One pass over the requests sums all classes; the sums then become a row a class.
with
    requests as (
        select *
        from
            {{ charges_to_build(ref("int_llm_requests__deduplicated"), "charges_fingerprint") }}
            as current_requests
        -- A bucket has a provider; llm_unpriced_model lists requests without one.
        where is_billed and provider is not null
    ),

    summed as (
        select
            {{ keys | join(", ") }},
            {% for class, column in classes.items() %}
                sum(case when {{ column }} > 0 then {{ column }} end) as {{ class }}_tokens,
                count(case when {{ column }} > 0 then 1 end) as {{ class }}_requests
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from requests
        group by {{ keys | join(", ") }}
    ),

    classed as (
        {% for class in classes %}
            select
                {{ keys | join(", ") }},
                '{{ class }}' as token_class,
                {{ class }}_tokens as tokens,
                {{ class }}_requests as request_count
            from summed
            where {{ class }}_requests > 0
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select
    source,
    billing_month,
    charges_fingerprint,
    provider as ai_provider,
    model_id as ai_model,
    token_class as ai_token_class,
    usage_day,
    served_tier as ai_service_tier,
    provider_account_id as ai_account,
    claims,
    accountable_id as actor_id,
    service_name as service_id,
    customer_id,
    workflow as workflow_id,
    feature,
    environment,
    {{ md5_key(["claims", "accountable_id", "service_name", "customer_id", "workflow", "feature", "environment", "served_tier"]) }}
    as group_key,
    tokens,
    request_count
from classed

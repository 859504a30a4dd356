{{
    config(
        materialized="incremental",
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook="{{ drop_stale_periods('charges_fingerprint') }}",
    )
}}

-- The gateway's billed tokens by bucket (provider, model, token class, tier, UTC day, account) and by who
-- used
-- them.
with
    requests as (
        select *
        from
            {{ charges_to_build(ref("int_llm_requests__deduplicated"), "charges_fingerprint") }}
            as current_requests
        where is_billed
    ),

    classes as (
        {% for token_class, column in [
            ("input", "input_uncached_tokens"),
            ("cached_input", "cache_read_tokens"),
            ("cache_write_5m", "cache_write_5m_tokens"),
            ("cache_write_1h", "cache_write_1h_tokens"),
            ("output", "output_tokens"),
        ] %}
            select requests.*, '{{ token_class }}' as token_class, {{ column }} as tokens
            from requests
            where {{ column }} > 0
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
    sum(tokens) as tokens,
    count(*) as request_count
from classes
group by
    source,
    billing_month,
    charges_fingerprint,
    provider,
    model_id,
    token_class,
    usage_day,
    served_tier,
    provider_account_id,
    claims,
    accountable_id,
    service_name,
    customer_id,
    workflow,
    feature,
    environment

with requests as (select * from {{ ref("int_llm_requests__deduplicated") }})

select
    llm_request_key,
    source_system,
    request_id,
    call_id,
    trace_id,
    provider_request_id,
    billing_month,
    usage_day,
    started_at,
    ended_at,
    first_token_at,
    latency_ms,
    operation,
    provider,
    provider_account_id,
    request_model,
    model_id,
    service_tier,
    is_stream,
    status,
    error_code,
    error_class,
    attempted_retries,
    attempted_fallbacks,
    gateway_cache_hit,
    is_billed,
    usage_source,
    input_tokens,
    input_uncached_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    total_tokens,
    reported_cost,
    reported_cost_currency,
    case
        when not is_billed
        then 'not_billed'
        when reported_cost is null or (reported_cost = 0 and coalesce(total_tokens, 0) > 0)
        then 'unpriced'
        else 'reported'
    end as pricing_status,
    key_hash,
    key_alias,
    user_id,
    end_user_id,
    team_id,
    service_name as service_id,
    workflow as workflow_id,
    feature,
    customer_id,
    environment,
    slice_id
from requests

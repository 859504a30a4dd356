{{ built_by_period("requests_fingerprint", meta={"parquet": "by_month"}) }}

with
    priced as (
        select *
        from
            {{ charges_to_build(ref("int_llm_requests__priced"), "requests_fingerprint") }}
            as current_requests
        where is_assigned_book
    ),

    owned as (select * from {{ ref("int_llm_requests__owned") }}),

    requests as (
        select priced.*, owned.owner_id, owned.evidence_kind
        from priced
        inner join
            owned
            on priced.billing_month = owned.billing_month
            and priced.claims = owned.claims
            and priced.usage_day = owned.usage_day
    )

select
    llm_request_key,
    source_system,
    request_id,
    call_id,
    trace_id,
    session_id,
    parent_request_id,
    provider_request_id,
    billing_month,
    usage_day,
    started_at,
    ended_at,
    first_token_at,
    latency_ms,
    gateway_overhead_ms,
    operation,
    provider,
    is_provider_inferred,
    provider_account_id,
    request_model,
    model_id,
    service_tier,
    region,
    is_stream,
    is_batch,
    status,
    error_code,
    error_class,
    fallback_from,
    attempted_retries,
    attempted_fallbacks,
    attempt_number,
    gateway_cache_hit,
    is_billed,
    usage_source,
    usage_status,
    unexplained_tokens,
    input_tokens,
    input_uncached_tokens,
    cache_read_tokens,
    cache_write_5m_tokens,
    cache_write_1h_tokens,
    output_tokens,
    reasoning_tokens,
    input_audio_tokens,
    input_image_tokens,
    input_video_tokens,
    output_audio_tokens,
    output_image_tokens,
    output_video_tokens,
    image_count,
    web_search_count,
    total_tokens,
    reported_cost,
    reported_cost_currency,
    saved_cost,
    computed_list_cost,
    cache_savings,
    pricing_status,
    unpriced_reason,
    price_book_version,
    price_provider,
    price_model_id,
    priced_tier,
    owner_id,
    evidence_kind,
    key_hash,
    key_alias,
    user_id,
    end_user_id,
    team_id,
    project_id,
    service_name as service_id,
    workflow as workflow_id,
    feature,
    customer_id,
    environment,
    experiment,
    cost_center,
    actor_type,
    actor_id,
    actor_issuer,
    actor_team,
    actor_chain,
    actor_token_id,
    actor_status,
    identity_status,
    is_contradicted,
    slice_id,
    source,
    requests_fingerprint
from requests

-- What unit economics counts of requests: a paid answer that a later one of the same call replaced, the
-- time to the first token of a stream, and tokens only where a provider was paid.
with
    requests as (select * from {{ ref("fact_llm_request") }}),

    numbered as (
        select
            requests.*,
            row_number() over (
                partition by source_system, coalesce(call_id, request_id), is_billed
                order by started_at desc, request_id desc
            ) as answers_until_last
        from requests
    )

select
    llm_request_key,
    billing_month,
    usage_day,
    started_at,
    ended_at,
    owner_id,
    workflow_id,
    customer_id,
    provider,
    model_id,
    coalesce(session_id, trace_id) as run_id,
    status,
    is_billed,
    gateway_cache_hit,
    pricing_status,
    attempted_retries,
    case when is_billed then input_tokens end as input_tokens,
    case when is_billed then input_uncached_tokens end as input_uncached_tokens,
    case when is_billed then cache_read_tokens end as cache_read_tokens,
    case
        when is_billed then coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0)
    end as cache_write_tokens,
    case when is_billed then output_tokens end as output_tokens,
    case when is_billed then reasoning_tokens end as reasoning_tokens,
    computed_list_cost,
    cache_savings,
    reported_cost,
    saved_cost,
    case when is_billed and answers_until_last > 1 then computed_list_cost end as replaced_list_cost,
    case when is_billed and answers_until_last > 1 then 1 else 0 end as is_replaced,
    case when status <> 'success' then latency_ms end as failed_latency_ms,
    case when is_billed then latency_ms end as answered_latency_ms,
    case
        when is_billed and is_stream then {{ milliseconds_between("started_at", "first_token_at") }}
    end as ttft_ms
from numbered

{{ config(meta={"dagster": {"ref": {"name": "llm_capture_by_key"}}}) }}

-- The split by key loses and repeats nothing: by day, provider and account its tokens equal those of
-- llm_capture, and a key has one row per day.
with
    stages as (
        select usage_day, provider, provider_account_id, provider_tokens, gateway_tokens, unmetered_tokens
        from {{ ref("llm_capture") }}
    ),

    buckets as (
        select
            usage_day,
            provider,
            coalesce(provider_account_id, '') as account,
            coalesce(sum(provider_tokens), 0) as provider_tokens,
            coalesce(sum(gateway_tokens), 0) as gateway_tokens,
            coalesce(sum(unmetered_tokens), 0) as unmetered_tokens
        from stages
        group by usage_day, provider, coalesce(provider_account_id, '')
    ),

    by_key as (
        select
            usage_day,
            provider,
            coalesce(provider_account_id, '') as account,
            coalesce(sum(provider_tokens), 0) as provider_tokens,
            coalesce(sum(gateway_tokens), 0) as gateway_tokens,
            coalesce(sum(unmetered_tokens), 0) as unmetered_tokens,
            count(*) as row_count,
            count(distinct key_kind || coalesce(key_id, '')) as key_count
        from {{ ref("llm_capture_by_key") }}
        group by usage_day, provider, coalesce(provider_account_id, '')
    )

select
    coalesce(buckets.usage_day, by_key.usage_day) as usage_day,
    coalesce(buckets.provider, by_key.provider) as provider,
    coalesce(buckets.account, by_key.account) as account
from buckets
full outer join
    by_key
    on buckets.usage_day = by_key.usage_day
    and buckets.provider = by_key.provider
    and buckets.account = by_key.account
where
    coalesce(buckets.provider_tokens, 0) <> coalesce(by_key.provider_tokens, 0)
    or coalesce(buckets.gateway_tokens, 0) <> coalesce(by_key.gateway_tokens, 0)
    or coalesce(buckets.unmetered_tokens, 0) <> coalesce(by_key.unmetered_tokens, 0)
    or by_key.row_count <> by_key.key_count

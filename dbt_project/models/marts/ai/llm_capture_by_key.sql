{%- set bucket = "ai_provider, ai_account, ai_model, ai_token_class, usage_day" -%}
-- How many of a provider key's tokens went through the gateway, by day, with the key's cost. Requests name no
-- provider key: where several keys used a bucket, the gateway's tokens are split over them by usage.
with
    used as (
        select
            {{ bucket }},
            key_id,
            sum(tokens) as tokens,
            sum(
                case when {{ is_committed_tier("ai_provider", "ai_service_tier") }} then tokens else 0 end
            ) as committed_tokens
        from {{ ref("int_llm_usage__keyed") }}
        group by {{ bucket }}, key_id

        union all

        select
            {{ bucket }},
            cast(null as string) as key_id,
            sum(tokens) as tokens,
            cast(0 as bigint) as committed_tokens
        from {{ ref("int_llm_usage__reported") }}
        where ai_provider not in (select distinct ai_provider from {{ ref("int_llm_usage__keyed") }})
        group by {{ bucket }}
    ),

    gateway_use as (
        select {{ bucket }}, {{ json_text("claims", "llm_key") }} as key_id, sum(tokens) as tokens
        from {{ ref("int_llm_tokens__bucketed") }}
        group by {{ bucket }}, {{ json_text("claims", "llm_key") }}
    ),

    key_use as (
        select 'provider' as key_kind, {{ bucket }}, key_id, tokens, committed_tokens
        from used

        union all

        select 'gateway' as key_kind, {{ bucket }}, key_id, tokens, cast(0 as bigint) as committed_tokens
        from gateway_use
    ),

    totals as (
        select
            {{ bucket }},
            sum(case when key_kind = 'provider' then tokens else 0 end) as provider_tokens,
            sum(case when key_kind = 'gateway' then tokens else 0 end) as gateway_tokens,
            sum(case when key_kind = 'provider' then 1 else 0 end) as provider_keys
        from key_use
        group by {{ bucket }}
    ),

    -- The provider's keys share the gateway's tokens that the provider confirms; the gateway's keys share the
    -- others.
    sharing as (
        select
            key_use.*,
            totals.provider_keys,
            case
                when key_use.key_kind = 'provider'
                then least(totals.gateway_tokens, totals.provider_tokens)
                else greatest(totals.gateway_tokens - totals.provider_tokens, 0)
            end as amount,
            case
                when key_use.key_kind = 'provider' then totals.provider_tokens else totals.gateway_tokens
            end as total_weight,
            {{
                running_weight(
                    "key_use.tokens",
                    "key_use.key_kind, key_use.ai_provider, key_use.ai_account, key_use.ai_model, "
                    ~ "key_use.ai_token_class, key_use.usage_day",
                    "coalesce(key_use.key_id, '')",
                )
            }} as cumulative_weight
        from key_use
        inner join totals on {{ same_bucket("key_use", "totals") }}
    ),

    parts as (
        select
            sharing.*,
            {{ whole_quotient(whole_number("amount") ~ " * cumulative_weight", whole_number("total_weight")) }}
            - {{ whole_quotient(whole_number("amount") ~ " * (cumulative_weight - " ~ whole_number("tokens") ~ ")", whole_number("total_weight")) }}
            as part
        from sharing
    ),

    counted as (
        select
            usage_day,
            ai_provider,
            ai_account,
            key_kind,
            key_id,
            cast(sum(case when key_kind = 'provider' then tokens else 0 end) as bigint) as provider_tokens,
            cast(sum(committed_tokens) as bigint) as committed_tokens,
            cast(sum(part) as bigint) as gateway_tokens,
            cast(sum(case when key_kind = 'gateway' then part else 0 end) as bigint) as excess_gateway_tokens,
            max(
                case
                    when key_kind = 'provider' and provider_keys > 1 and amount > 0 and amount < total_weight
                    then 1
                    else 0
                end
            )
            = 1 as is_apportioned
        from parts
        where key_kind = 'provider' or amount > 0
        group by usage_day, ai_provider, ai_account, key_kind, key_id
    ),

    billed as (
        select
            cast(charge_period_start as date) as usage_day,
            ai_provider,
            ai_account,
            'provider' as key_kind,
            case when resource_type = 'API Key' then resource_id end as key_id,
            case when count(distinct billing_currency) = 1 then min(billing_currency) end as billing_currency,
            case
                when count(distinct billing_currency) = 1 then cast(sum(billed_cost) as decimal(38, 12))
            end as billed_cost,
            case
                when count(distinct billing_currency) = 1
                then
                    cast(
                        sum(case when telemetry_status = 'unmetered' then billed_cost else 0 end) as decimal(
                            38, 12
                        )
                    )
            end as unmetered_cost
        from {{ ref("fact_cost") }}
        where ai_provider is not null and not is_estimated
        group by
            cast(charge_period_start as date),
            ai_provider,
            ai_account,
            case when resource_type = 'API Key' then resource_id end
    ),

    named as (
        select
            provider, entity_id, max(name) as name, max(owner_kind) as owner_kind, max(owner_id) as owner_id
        from {{ ref("stg_llm_providers__entities") }}
        where kind = 'api_key'
        group by provider, entity_id
    )

select
    coalesce(counted.usage_day, billed.usage_day) as usage_day,
    coalesce(counted.ai_provider, billed.ai_provider) as provider,
    coalesce(counted.ai_account, billed.ai_account) as provider_account_id,
    coalesce(counted.key_kind, billed.key_kind) as key_kind,
    coalesce(counted.key_id, billed.key_id) as key_id,
    named.name as key_name,
    named.owner_kind as key_owner_kind,
    named.owner_id as key_owner_id,
    coalesce(counted.is_apportioned, false) as is_apportioned,
    case when counted.key_kind = 'provider' then counted.provider_tokens end as provider_tokens,
    case when counted.key_kind = 'provider' then counted.committed_tokens end as committed_tokens,
    counted.gateway_tokens,
    case
        when counted.key_kind = 'provider' then counted.provider_tokens - counted.gateway_tokens
    end as unmetered_tokens,
    counted.excess_gateway_tokens,
    case
        when counted.key_kind = 'provider' and counted.provider_tokens > 0
        then {{ ratio("counted.gateway_tokens", "counted.provider_tokens") }}
    end as capture_rate,
    billed.billing_currency,
    billed.billed_cost,
    billed.unmetered_cost
from counted
full outer join
    billed
    on counted.usage_day = billed.usage_day
    and counted.ai_provider = billed.ai_provider
    and coalesce(counted.ai_account, '') = coalesce(billed.ai_account, '')
    and counted.key_kind = billed.key_kind
    and coalesce(counted.key_id, '') = coalesce(billed.key_id, '')
left join
    named
    on coalesce(counted.ai_provider, billed.ai_provider) = named.provider
    and coalesce(counted.key_id, billed.key_id) = named.entity_id

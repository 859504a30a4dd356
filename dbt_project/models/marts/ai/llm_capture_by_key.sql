{%- set bucket = "ai_provider, ai_account, ai_model, ai_token_class, usage_day" -%}
-- How much of what a provider counted of a key went through the gateway, by day, with the money on it.
-- Requests name
-- no provider key: where several keys used a bucket, the gateway's tokens are shared out over them by what
-- each used.
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

    seen as (
        select {{ bucket }}, {{ json_text("claims", "llm_key") }} as key_id, sum(tokens) as tokens
        from {{ ref("int_llm_tokens__bucketed") }}
        group by {{ bucket }}, {{ json_text("claims", "llm_key") }}
    ),

    used_in_all as (
        select {{ bucket }}, sum(tokens) as provider_tokens, count(*) as keys from used group by {{ bucket }}
    ),

    seen_in_all as (select {{ bucket }}, sum(tokens) as gateway_tokens from seen group by {{ bucket }}),

    -- Each key of the provider, and what the gateway saw of its bucket, as far as the provider confirms it.
    counting as (
        select
            used.*,
            used_in_all.keys,
            used_in_all.provider_tokens as all_weight,
            least(coalesce(seen_in_all.gateway_tokens, 0), used_in_all.provider_tokens) as confirmed,
            {{
                weight_until(
                    "used.tokens",
                    "used.ai_provider, used.ai_account, used.ai_model, used.ai_token_class, used.usage_day",
                    "coalesce(used.key_id, '')",
                )
            }} as to_weight
        from used
        inner join used_in_all on {{ same_bucket("used", "used_in_all") }}
        left join seen_in_all on {{ same_bucket("used", "seen_in_all") }}
    ),

    -- Each key of the gateway, and what it saw that no provider confirms.
    exceeding as (
        select
            seen.*,
            seen_in_all.gateway_tokens as all_weight,
            greatest(seen_in_all.gateway_tokens - coalesce(used_in_all.provider_tokens, 0), 0) as exceeded,
            {{
                weight_until(
                    "seen.tokens",
                    "seen.ai_provider, seen.ai_account, seen.ai_model, seen.ai_token_class, seen.usage_day",
                    "coalesce(seen.key_id, '')",
                )
            }} as to_weight
        from seen
        inner join seen_in_all on {{ same_bucket("seen", "seen_in_all") }}
        left join used_in_all on {{ same_bucket("seen", "used_in_all") }}
    ),

    pieces as (
        select
            usage_day,
            ai_provider,
            ai_account,
            'provider' as key_kind,
            key_id,
            tokens as provider_tokens,
            committed_tokens,
            {{ whole_quotient(whole_number("confirmed") ~ " * to_weight", whole_number("all_weight")) }}
            - {{ whole_quotient(whole_number("confirmed") ~ " * (to_weight - " ~ whole_number("tokens") ~ ")", whole_number("all_weight")) }}
            as gateway_tokens,
            0 as over_explained_tokens,
            case when keys > 1 and confirmed > 0 and confirmed < all_weight then 1 else 0 end as is_shared_out
        from counting

        union all

        select
            usage_day,
            ai_provider,
            ai_account,
            'gateway' as key_kind,
            key_id,
            0 as provider_tokens,
            0 as committed_tokens,
            {{ whole_quotient(whole_number("exceeded") ~ " * to_weight", whole_number("all_weight")) }}
            - {{ whole_quotient(whole_number("exceeded") ~ " * (to_weight - " ~ whole_number("tokens") ~ ")", whole_number("all_weight")) }}
            as gateway_tokens,
            {{ whole_quotient(whole_number("exceeded") ~ " * to_weight", whole_number("all_weight")) }}
            - {{ whole_quotient(whole_number("exceeded") ~ " * (to_weight - " ~ whole_number("tokens") ~ ")", whole_number("all_weight")) }}
            as over_explained_tokens,
            0 as is_shared_out
        from exceeding
        where exceeded > 0
    ),

    counted as (
        select
            usage_day,
            ai_provider,
            ai_account,
            key_kind,
            key_id,
            cast(sum(provider_tokens) as bigint) as provider_tokens,
            cast(sum(committed_tokens) as bigint) as committed_tokens,
            cast(sum(gateway_tokens) as bigint) as gateway_tokens,
            cast(sum(over_explained_tokens) as bigint) as over_explained_tokens,
            max(is_shared_out) = 1 as is_shared_out
        from pieces
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
    coalesce(counted.is_shared_out, false) as is_shared_out,
    case when counted.key_kind = 'provider' then counted.provider_tokens end as provider_tokens,
    case when counted.key_kind = 'provider' then counted.committed_tokens end as committed_tokens,
    counted.gateway_tokens,
    case
        when counted.key_kind = 'provider' then counted.provider_tokens - counted.gateway_tokens
    end as unmetered_tokens,
    counted.over_explained_tokens,
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

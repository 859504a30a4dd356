-- How many of a provider's tokens went through the gateway, by day. The priority tier has usage and no cost:
-- it is paid by commitment.
with
    gateway as (
        select ai_provider, ai_account, ai_model, ai_token_class, usage_day, sum(tokens) as tokens
        from {{ ref("int_llm_tokens__bucketed") }}
        group by ai_provider, ai_account, ai_model, ai_token_class, usage_day
    ),

    used as (
        select
            ai_provider,
            ai_account,
            ai_model,
            ai_token_class,
            usage_day,
            sum(tokens) as tokens,
            sum(
                case when {{ is_committed_tier("ai_provider", "ai_service_tier") }} then tokens else 0 end
            ) as committed_tokens
        from {{ ref("int_llm_usage__reported") }}
        group by ai_provider, ai_account, ai_model, ai_token_class, usage_day
    )

select
    coalesce(used.usage_day, gateway.usage_day) as usage_day,
    coalesce(used.ai_provider, gateway.ai_provider) as provider,
    coalesce(used.ai_account, gateway.ai_account) as provider_account_id,
    coalesce(used.ai_model, gateway.ai_model) as model_id,
    coalesce(used.ai_token_class, gateway.ai_token_class) as token_class,
    cast(used.tokens as bigint) as provider_tokens,
    cast(used.committed_tokens as bigint) as committed_tokens,
    cast(gateway.tokens as bigint) as gateway_tokens,
    cast(greatest(coalesce(used.tokens, 0) - coalesce(gateway.tokens, 0), 0) as bigint) as unmetered_tokens,
    cast(
        greatest(coalesce(gateway.tokens, 0) - coalesce(used.tokens, 0), 0) as bigint
    ) as excess_gateway_tokens
from used
full outer join
    gateway
    on used.ai_provider = gateway.ai_provider
    and used.ai_account = gateway.ai_account
    and used.ai_model = gateway.ai_model
    and used.ai_token_class = gateway.ai_token_class
    and used.usage_day = gateway.usage_day

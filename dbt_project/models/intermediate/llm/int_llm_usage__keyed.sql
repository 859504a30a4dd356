{{ config(materialized="table") }}

-- The tokens of the providers' usage reports by bucket and key. OpenAI's input includes cached tokens,
-- Anthropic's does not.
with
    openai as (select * from {{ ref("stg_llm_providers__openai_usage_completions") }}),

    openai_other as (
        select *
        from {{ ref("stg_llm_providers__openai_usage") }}
        where endpoint = 'embeddings' and unit = 'Tokens'
    ),

    anthropic as (select * from {{ ref("stg_llm_providers__anthropic_usage_messages") }}),

    counted as (
        {% for token_class, expression in [
            ("input", "input_tokens - coalesce(input_cached_tokens, 0) - coalesce(input_cache_write_tokens, 0)"),
            ("cached_input", "input_cached_tokens"),
            ("cache_write_5m", "input_cache_write_tokens"),
            ("output", "output_tokens"),
        ] %}
            select
                'openai' as ai_provider,
                model,
                '{{ token_class }}' as ai_token_class,
                cast(bucket_start as date) as usage_day,
                project_id as ai_account,
                case when batch then 'batch' else {{ canonical_tier("service_tier") }} end as ai_service_tier,
                api_key_id as key_id,
                {{ expression }} as tokens
            from openai
            union all
        {% endfor %}

        select
            'openai' as ai_provider,
            model,
            'input' as ai_token_class,
            cast(bucket_start as date) as usage_day,
            project_id as ai_account,
            {{ canonical_tier("service_tier") }} as ai_service_tier,
            api_key_id as key_id,
            cast(quantity as bigint) as tokens
        from openai_other

        {% for token_class, expression in [
            ("input", "uncached_input_tokens"),
            ("cached_input", "cache_read_input_tokens"),
            ("cache_write_5m", "cache_write_5m_input_tokens"),
            ("cache_write_1h", "cache_write_1h_input_tokens"),
            ("output", "output_tokens"),
        ] %}
            union all
            select
                'anthropic' as ai_provider,
                model,
                '{{ token_class }}' as ai_token_class,
                cast(bucket_start as date) as usage_day,
                coalesce(workspace_id, 'default') as ai_account,
                {{ canonical_tier("service_tier") }} as ai_service_tier,
                api_key_id as key_id,
                {{ expression }} as tokens
            from anthropic
        {% endfor %}
    )

select
    ai_provider,
    {{ canonical_model("model") }} as ai_model,
    ai_token_class,
    usage_day,
    ai_service_tier,
    ai_account,
    key_id,
    sum(tokens) as tokens
from counted
where tokens > 0
group by
    ai_provider,
    {{ canonical_model("model") }},
    ai_token_class,
    usage_day,
    ai_service_tier,
    ai_account,
    key_id

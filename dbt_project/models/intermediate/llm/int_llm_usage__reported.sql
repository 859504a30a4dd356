{{ config(materialized="table") }}

-- Every provider's count of tokens by bucket: from its usage report, or, where there is none, from its
-- bill (Bedrock, and the files of other providers).
with
    reported as (select * from {{ ref("int_llm_usage__bucketed") }}),

    billed as (
        select *
        from {{ ref("int_llm_charges__bucketed") }}
        where source in ('aws', 'llm_costs') and tokens is not null
    )

select ai_provider, ai_model, ai_token_class, usage_day, ai_service_tier, ai_account, tokens
from reported

union all

select
    ai_provider,
    ai_model,
    ai_token_class,
    usage_day,
    ai_service_tier,
    ai_account,
    cast(tokens as bigint) as tokens
from billed

-- Every provider's count of tokens by bucket: from its usage report, or, where there is none, from its bill
-- (Bedrock).
with
    reported as (select * from {{ ref("int_llm_usage__bucketed") }}),

    charges as (
        select * from {{ ref("int_charges__unified") }} where source = 'aws' and ai_provider is not null
    )

select ai_provider, ai_model, ai_token_class, usage_day, ai_service_tier, ai_account, tokens
from reported

union all

select
    ai_provider,
    ai_model,
    ai_token_class,
    cast(charge_period_start as date) as usage_day,
    ai_service_tier,
    ai_account,
    cast(sum(consumed_quantity) as bigint) as tokens
from charges
where consumed_unit = 'Tokens'
group by ai_provider, ai_model, ai_token_class, cast(charge_period_start as date), ai_service_tier, ai_account

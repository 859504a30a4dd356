-- What the providers' usage reports count, by bucket.
with used as (select * from {{ ref("int_llm_usage__keyed") }})

select ai_provider, ai_model, ai_token_class, usage_day, ai_service_tier, ai_account, sum(tokens) as tokens
from used
group by ai_provider, ai_model, ai_token_class, usage_day, ai_service_tier, ai_account

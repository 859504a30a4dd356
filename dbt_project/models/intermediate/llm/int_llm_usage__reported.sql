{{ config(materialized="table") }}
{%- set bucket = "ai_provider, ai_model, ai_token_class, usage_day, ai_service_tier, ai_account" %}

-- Every provider's count of tokens by bucket: from its usage report or, where it has none, from its bill
-- (Bedrock, and the files of other providers).
select {{ bucket }}, sum(tokens) as tokens
from {{ ref("int_llm_usage__keyed") }}
group by {{ bucket }}

union all

select {{ bucket }}, cast(tokens as bigint) as tokens
from {{ ref("int_llm_charges__bucketed") }}
where source in ('aws', 'llm_costs') and tokens is not null

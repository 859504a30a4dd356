with
    requests as (select provider, model_id, usage_day from {{ ref("fact_llm_request") }}),

    used as (
        select ai_provider as provider, ai_model as model_id, usage_day
        from {{ ref("int_llm_usage__reported") }}
    ),

    seen as (
        select provider, model_id, usage_day, 1 as in_gateway, 0 as in_report
        from requests
        union all
        select provider, model_id, usage_day, 0 as in_gateway, 1 as in_report
        from used
    )

select
    {{ md5_key(["provider", "model_id"]) }} as llm_model_key,
    provider,
    model_id,
    min(usage_day) as first_used_on,
    max(usage_day) as last_used_on,
    max(in_gateway) = 1 as is_seen_by_gateway,
    max(in_report) = 1 as is_reported_by_provider
from seen
where model_id is not null
group by provider, model_id

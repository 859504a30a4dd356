-- Requests whose counts were not read as their format documents, or do not add up.
with
    requests as (
        select * from {{ ref("fact_llm_request") }} where usage_status in ('other_reading', 'disputed')
    )

select
    {{
        md5_key([
            "billing_month", "source_system", "coalesce(provider, '')", "coalesce(model_id, '')", "usage_status",
            "coalesce(reported_cost_currency, '')",
        ])
    }}
    as llm_usage_disputed_key,
    billing_month,
    source_system,
    provider,
    model_id,
    usage_status,
    count(*) as request_count,
    cast(sum(total_tokens) as bigint) as total_tokens,
    cast(sum(unexplained_tokens) as bigint) as unexplained_tokens,
    cast(sum(computed_list_cost) as decimal(38, 12)) as computed_list_cost,
    cast(sum(reported_cost) as decimal(38, 12)) as reported_cost,
    reported_cost_currency,
    cast(
        sum(case when reported_cost_currency = 'USD' then reported_cost - computed_list_cost end) as decimal(
            38, 12
        )
    ) as cost_difference,
    min(usage_day) as first_used_on,
    max(usage_day) as last_used_on,
    min(llm_request_key) as example_llm_request_key
from requests
group by billing_month, source_system, provider, model_id, usage_status, reported_cost_currency

-- Requests without a price in the price book: their cost is unknown, not 0.
with requests as (select * from {{ ref("fact_llm_request") }} where pricing_status = 'unpriced')

select
    {{
        md5_key([
            "billing_month", "coalesce(provider, '')", "coalesce(model_id, '')", "coalesce(request_model, '')",
            "coalesce(priced_tier, '')", "unpriced_reason",
        ])
    }}
    as llm_unpriced_model_key,
    billing_month,
    provider,
    model_id,
    request_model,
    priced_tier,
    unpriced_reason,
    price_book_version,
    min(usage_day) as first_used_on,
    max(usage_day) as last_used_on,
    count(*) as request_count,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(reported_cost) as decimal(38, 12)) as reported_cost
from requests
group by billing_month, provider, model_id, request_model, priced_tier, unpriced_reason, price_book_version

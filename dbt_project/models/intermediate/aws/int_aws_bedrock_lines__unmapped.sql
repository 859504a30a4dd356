-- Bedrock usage whose model or kind of token the seeds do not know (or that is of no tokens): on the
-- ledger, but not
-- shared out over requests.
with lines as (select * from {{ ref("int_aws_lines__mapped") }})

select
    billing_month,
    service_code,
    line_item_usage_type,
    bedrock_billing_name,
    pricing_unit,
    line_item_currency_code,
    count(*) as line_count,
    sum(billed_cost) as billed_cost
from lines
where
    {{ is_bedrock("service_code") }}
    and charge_category = 'Usage'
    and (bedrock_model is null or bedrock_token_class is null or bedrock_tokens is null)
group by
    billing_month,
    service_code,
    line_item_usage_type,
    bedrock_billing_name,
    pricing_unit,
    line_item_currency_code

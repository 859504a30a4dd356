-- Bedrock usage that is not shared out over requests: what is of no tokens (its kind says what it is), and
-- what
-- the seeds do not know the model, the kind of token or the unit of.
with lines as (select * from {{ ref("int_aws_lines__mapped") }})

select
    billing_month,
    service_code,
    line_item_usage_type,
    bedrock_kind,
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
    bedrock_kind,
    bedrock_billing_name,
    pricing_unit,
    line_item_currency_code

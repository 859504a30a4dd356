{{ built_by_period("charges_fingerprint") }}

-- Bedrock usage that is not shared out over requests: what is of no tokens (its kind says what it is),
-- and what the seeds do not know the model, the kind of token or the unit of.
with lines as (select * from {{ aws_lines_to_build(ref("int_aws_lines__mapped")) }} as current_lines)

select
    source,
    charges_fingerprint,
    billing_month,
    service_code,
    line_item_usage_type,
    bedrock_kind,
    bedrock_billing_name,
    pricing_unit,
    line_item_currency_code,
    count(*) as line_count,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost
from lines
where
    {{ is_bedrock("service_code") }}
    and charge_category = 'Usage'
    and (bedrock_model is null or bedrock_token_class is null or bedrock_tokens is null)
group by
    source,
    charges_fingerprint,
    billing_month,
    service_code,
    line_item_usage_type,
    bedrock_kind,
    bedrock_billing_name,
    pricing_unit,
    line_item_currency_code

union all

-- A month in which there is nothing is remembered as looked at: it is not read again.
select source, charges_fingerprint, billing_month, null, null, null, null, null, null, 0, null
from {{ periods_to_build("charges_fingerprint") }} as processed
where source = 'aws'

{{ built_by_period("charges_fingerprint") }}

-- Bedrock usage that is not split over requests: it is not in tokens (bedrock_kind names what it is), or the
-- seeds do not have its model, meter or unit.
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

-- Marks the month as built, so that an empty one is not read again.
select source, charges_fingerprint, billing_month, null, null, null, null, null, null, 0, null
from {{ periods_to_build("charges_fingerprint") }} as processed
where source = 'aws'

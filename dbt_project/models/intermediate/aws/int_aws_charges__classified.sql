-- CUR lines as charges in FOCUS terms, and the residuals of Savings Plan negations. Discounts are credits: as
-- usage they would have a negative price, which FOCUS forbids.
{#- Used twice: for a column of its own, and in another. A further CTE would hold every column once more in memory. -#}
{% set commitment_quantity -%}
    case
                when commitment_arn is null or not is_priced
                then null
                when is_savings_plan
                then case when charge_category = 'Purchase' then billed_cost else gross_effective_cost end
                when part = 'unused'
                then coalesce(reservation_unused_quantity, quantity)
                else coalesce(line_item_usage_amount, quantity)
            end
{%- endset %}
{% set commitment_unit -%}
    case
                when commitment_arn is null or not is_priced
                then null
                when is_savings_plan
                then coalesce(line_item_currency_code, 'USD')
                when part = 'unused' and coalesce(reservation_unused_quantity, quantity) is null
                then null
                when part <> 'unused' and coalesce(line_item_usage_amount, quantity) is null
                then null
                when part = 'unused' and reservation_unused_quantity is null
                then unit
                else coalesce(focus_unit, unit)
            end
{%- endset %}
{% set capacity_status = aws_capacity_status(
    "capacity_reservation_capacity_reservation_status", "capacity_reservation_capacity_reservation_arn",
    "line_item_usage_type", "line_item_resource_id",
) -%}
with
    residuals as (select * from {{ ref("int_aws_negations__netted") }} where residual is not null),

    lines as (
        select
            priced.*,
            is_measured and bedrock_model is not null and bedrock_token_class is not null as is_of_tokens,
            case when bill_billing_entity = 'AWS Marketplace' then product_name end as marketplace_product,
            -- Of the Marketplace the seller of record, unless it is AWS itself.
            case
                when
                    bill_billing_entity = 'AWS Marketplace'
                    and {{ vendor_word("line_item_legal_entity") }} <> 'aws'
                then line_item_legal_entity
                else 'AWS'
            end as seller,
            coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as commitment_arn,
            savings_plan_savings_plan_a_r_n is not null as is_savings_plan,
            case
                when savings_plan_savings_plan_a_r_n is not null
                then 'Savings Plan'
                when reservation_reservation_a_r_n is not null
                then 'Reserved Instance'
            end as commitment_type
        from {{ ref("int_aws_lines__priced") }} as priced
    ),

    described as (
        select
            'aws' as source,
            lines.slice_id,
            lines.load_id,
            lines.billing_month,
            charge_key,
            vendor_charge_id,
            line_item_availability_zone as availability_zone,
            lines.billed_cost,
            lines.effective_cost,
            lines.list_cost,
            lines.contracted_cost,
            bill_payer_account_id as billing_account_id,
            coalesce(bill_payer_account_name, bill_payer_account_id) as billing_account_name,
            'Payer' as billing_account_type,
            coalesce(line_item_currency_code, 'USD') as billing_currency,
            coalesce(line_item_currency_code, 'USD') as pricing_currency,
            bill_billing_period_start_date as billing_period_start,
            bill_billing_period_end_date as billing_period_end,
            charge_category,
            case
                when bill_bill_type = 'Refund' or line_item_usage_start_date < bill_billing_period_start_date
                then 'Correction'
            end as charge_class,
            case
                when is_known_type
                then ''
                else 'other: ' || coalesce(line_item_line_item_type, 'no type') || ': '
            end
            || coalesce(line_item_line_item_description, line_item_line_item_type, service_code)
            || case when part = 'unused' then ' (unused commitment)' else '' end as charge_description,
            charge_frequency,
            line_item_usage_start_date as charge_period_start,
            line_item_usage_end_date as charge_period_end,
            case
                when commitment_arn is null then null when is_savings_plan then 'Spend' else 'Usage'
            end as commitment_discount_category,
            commitment_arn as commitment_discount_id,
            commitment_arn as commitment_discount_name,
            commitment_status as commitment_discount_status,
            commitment_type as commitment_discount_type,
            case
                when is_measured
                then
                    {{ commitment_eligibility(aws_commitment_programs("service_code", "line_item_usage_type"), "commitment_type") }}
            end as commitment_program_eligibility_details,
            {{ capacity_status }} as capacity_reservation_status,
            -- FOCUS wants a status with the reservation of each usage.
            case
                when charge_category <> 'Usage' or {{ capacity_status }} is not null
                then
                    {{
                        aws_capacity_reservation(
                            "capacity_reservation_capacity_reservation_arn", "line_item_usage_type",
                            "line_item_resource_id"
                        )
                    }}
            end as capacity_reservation_id,
            {{ commitment_quantity }} as commitment_discount_quantity,
            {{ commitment_unit }} as commitment_discount_unit,
            {{
                contract_applied(
                    "commitment_arn", "commitment_arn", commitment_quantity, commitment_unit, "is_savings_plan"
                )
            }}
            as contract_applied,
            case when is_measured then coalesce(bedrock_tokens, quantity) end as consumed_quantity,
            case
                when is_measured and bedrock_tokens is not null
                then 'Tokens'
                when is_measured and quantity is not null
                then unit
            end as consumed_unit,
            case when is_priced then quantity end as pricing_quantity,
            case when is_priced and quantity is not null then unit end as pricing_unit,
            case when is_priced then coalesce(pricing_category, 'Other') end as pricing_category,
            list_unit_price,
            contracted_unit_price,
            coalesce(bill_invoice_id, 'provisional:AWS:' || lines.billing_month) as invoice_id,
            seller as invoice_issuer_name,
            seller as service_provider_name,
            'AWS' as host_provider_name,
            seller as provider_name,
            seller as publisher_name,
            product_region_code as region_id,
            product_region_code as region_name,
            case when is_measured then line_item_resource_id end as resource_id,
            display_name as resource_name,
            case
                when is_measured and line_item_resource_id is not null
                then coalesce(product_product_family, 'Resource')
            end as resource_type,
            coalesce(lines.service_name, marketplace_product, service_code) as service_name,
            coalesce(lines.service_category, 'Other') as service_category,
            coalesce(lines.service_subcategory, 'Other (Other)') as service_subcategory,
            case
                when is_priced
                then coalesce(product_sku, service_code || '/' || coalesce(line_item_usage_type, 'fee'))
            end as sku_id,
            line_item_usage_type as sku_meter,
            case
                when is_priced
                then
                    coalesce(pricing_rate_code, service_code || '/' || coalesce(line_item_usage_type, 'fee'))
                    || case when part = '' then '' else '/' || part end
            end as sku_price_id,
            case when is_priced then coalesce(bedrock_details, instance_details) end as sku_price_details,
            line_item_usage_account_id as sub_account_id,
            case
                when line_item_usage_account_id is not null
                then coalesce(line_item_usage_account_name, line_item_usage_account_id)
            end as sub_account_name,
            case when line_item_usage_account_id is not null then 'Account' end as sub_account_type,
            coalesce({{ map_json("resource_tags") }}, '{}') as tags,
            claims,
            {{ is_bedrock("service_code") }} as is_bedrock,
            case when is_of_tokens then 'bedrock' end as ai_provider,
            case when is_of_tokens then bedrock_model end as ai_model,
            case when is_of_tokens then bedrock_token_class end as ai_token_class,
            case when is_of_tokens then bedrock_tier end as ai_service_tier,
            case when is_of_tokens then line_item_usage_account_id end as ai_account
        from lines
    ),

    residual_charges as (
        select
            'aws' as source,
            slice_id,
            load_id,
            billing_month,
            {{ md5_key(["'aws residual'", "slice_id", "savings_plan_savings_plan_a_r_n", "line_item_currency_code",
                        "bill_payer_account_id", "line_item_usage_account_id"]) }}
            as charge_key,
            'residual|'
            || coalesce(savings_plan_savings_plan_a_r_n, '')
            || coalesce('|' || line_item_usage_account_id, '') as vendor_charge_id,
            residual as billed_cost,
            residual as effective_cost,
            residual as list_cost,
            residual as contracted_cost,
            bill_payer_account_id as billing_account_id,
            coalesce(bill_payer_account_name, bill_payer_account_id) as billing_account_name,
            'Payer' as billing_account_type,
            coalesce(line_item_currency_code, 'USD') as billing_currency,
            coalesce(line_item_currency_code, 'USD') as pricing_currency,
            bill_billing_period_start_date as billing_period_start,
            bill_billing_period_end_date as billing_period_end,
            'Adjustment' as charge_category,
            'What covered usage and its negation did not net out to' as charge_description,
            'One-Time' as charge_frequency,
            bill_billing_period_start_date as charge_period_start,
            bill_billing_period_end_date as charge_period_end,
            'provisional:AWS:' || billing_month as invoice_id,
            'AWS' as invoice_issuer_name,
            'AWS' as service_provider_name,
            'AWS' as provider_name,
            'AWS' as publisher_name,
            'Savings Plans for AWS Compute usage' as service_name,
            'Compute' as service_category,
            'Other (Compute)' as service_subcategory,
            line_item_usage_account_id as sub_account_id,
            case
                when line_item_usage_account_id is not null
                then coalesce(line_item_usage_account_name, line_item_usage_account_id)
            end as sub_account_name,
            case when line_item_usage_account_id is not null then 'Account' end as sub_account_type,
            '{}' as tags,
            {{
                json_object([
                    ["aws_commitment", "savings_plan_savings_plan_a_r_n"],
                    ["aws_account", "coalesce(line_item_usage_account_id, bill_payer_account_id)"],
                    ["source", "'aws'"],
                ])
            }} as claims
        from residuals
    )

    {{
    charge_select(
        "described",
        [
            "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "availability_zone",
            "capacity_reservation_id", "capacity_reservation_status", "commitment_program_eligibility_details",
            "contract_applied",
            "billed_cost", "effective_cost", "list_cost", "contracted_cost", "billing_account_id",
            "billing_account_name", "billing_account_type", "billing_currency", "pricing_currency",
            "billing_period_start", "billing_period_end", "charge_category", "charge_class", "charge_description",
            "charge_frequency", "charge_period_start", "charge_period_end", "commitment_discount_category",
            "commitment_discount_id", "commitment_discount_name", "commitment_discount_status",
            "commitment_discount_type", "commitment_discount_quantity", "commitment_discount_unit",
            "consumed_quantity", "consumed_unit", "pricing_quantity", "pricing_unit", "pricing_category",
            "list_unit_price", "contracted_unit_price", "invoice_id", "invoice_issuer_name",
            "service_provider_name", "host_provider_name", "provider_name", "publisher_name", "region_id",
            "region_name", "resource_id", "resource_name", "resource_type", "service_name", "service_category",
            "service_subcategory", "sku_id", "sku_meter", "sku_price_details",
            "sku_price_id", "sub_account_id", "sub_account_name",
            "sub_account_type", "tags", "claims", "ai_provider", "ai_model", "ai_token_class", "ai_service_tier",
            "ai_account",
        ],
        may_be_ai="is_bedrock",
    )
}}

union all

{{
    charge_select(
        "residual_charges",
        [
            "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
            "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
            "billing_account_type", "billing_currency", "pricing_currency", "billing_period_start",
            "billing_period_end", "charge_category", "charge_description", "charge_frequency",
            "charge_period_start", "charge_period_end", "invoice_id", "invoice_issuer_name",
            "service_provider_name", "provider_name", "publisher_name", "service_name", "service_category",
            "service_subcategory", "sub_account_id", "sub_account_name", "sub_account_type", "tags", "claims",
        ],
        may_be_ai="false",
    )
}}

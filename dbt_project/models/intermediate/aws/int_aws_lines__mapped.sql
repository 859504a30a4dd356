-- Services and units under FOCUS's names, and Bedrock usage as model, token class and tier. The seeds
-- decide; a value that no seed has stays as it is and is reported.
with
    lines as (select * from {{ ref("int_aws_lines__amortised") }}),

    services as (select * from {{ ref("aws_services") }}),

    units as (select * from {{ ref("aws_units") }}),

    models as (select * from {{ ref("bedrock_models") }}),

    meters as (select * from {{ ref("bedrock_meters") }}),

    coded as (
        select
            lines.*,
            coalesce(product_servicecode, line_item_product_code, 'Other') as service_code,
            {{ map_value("product", ["product_name"]) }} as product_name,
            {{
                aws_instance_details(
                    "product_instance_type", map_value("product", ["vcpu"]),
                    map_value("product", ["operating_system"]),
                )
            }} as instance_details
        from lines
    ),

    parsed as (
        select
            coded.*,
            case
                when {{ is_bedrock("service_code") }}
                then {{ bedrock_billing_name("line_item_usage_type", "product_name") }}
            end as bedrock_billing_name,
            case
                when {{ is_bedrock("service_code") }} then {{ bedrock_meter("line_item_usage_type") }}
            end as bedrock_meter,
            case
                when {{ is_bedrock("service_code") }} then {{ bedrock_tier("line_item_usage_type") }}
            end as bedrock_tier,
            case
                when {{ is_bedrock("service_code") }} then {{ bedrock_routing("line_item_usage_type") }}
            end as bedrock_routing,
            case
                when {{ is_bedrock("service_code") }} then {{ bedrock_other_kind("line_item_usage_type") }}
            end as bedrock_other_kind
        from coded
    )

select
    parsed.*,
    case
        when bedrock_tier is null
        then null
        when meters.token_class is not null
        then coalesce(bedrock_other_kind, 'tokens')
        else coalesce(bedrock_other_kind, 'other')
    end as bedrock_kind,
    services.service_name,
    services.service_category,
    services.service_subcategory,
    units.focus_unit,
    models.model_id as bedrock_model,
    models.provider as bedrock_model_provider,
    case when bedrock_other_kind is null then meters.token_class end as bedrock_token_class,
    case
        when
            meters.token_class is not null
            and bedrock_other_kind is null
            and {{ is_multipliable("line_item_usage_amount", "units.tokens_per_unit") }}
        then {{ decimal_product("line_item_usage_amount", "units.tokens_per_unit") }}
    end as bedrock_tokens
from parsed
left join services on parsed.service_code = services.product_code
left join units on parsed.pricing_unit = units.pricing_unit
left join models on parsed.bedrock_billing_name = models.billing_name
left join meters on parsed.bedrock_meter = meters.meter

-- A line with the key of the charge that it becomes, and with its claims: all that may name its owner, as
-- JSON.
-- Equal lines are numbered, so that each has a key of its own.
with
    lines as (select * from {{ ref("int_aws_lines__mapped") }}),

    repeated as (select * from {{ ref("int_aws_lines__repeated") }}),

    required_kinds as (select * from {{ ref("int_claim_kinds__required") }}),

    numbered as (
        select lines.*, coalesce(repeated.occurrence, 1) as occurrence
        from lines
        left join repeated on lines.lake_file = repeated.lake_file and lines.lake_row = repeated.lake_row
    )

select
    numbered.*,
    {{ aws_line_key() }} as charge_key,
    coalesce(
        identity_line_item_id,
        concat_ws(
            '|',
            line_item_usage_account_id,
            cast(cast(line_item_usage_start_date as date) as string),
            line_item_product_code,
            line_item_usage_type,
            line_item_operation,
            line_item_resource_id,
            line_item_line_item_type
        )
    ) as vendor_charge_id,
    {{ aws_display_name() }} as display_name,
    {{
        json_object(
            aws_tag_claims()
            + [
                ["aws_resource", "case when required_kinds.requires_resource then line_item_resource_id end"],
                ["aws_inference_profile", application_profile("service_code", "line_item_resource_id")],
                [
                    "aws_commitment",
                    "case when charge_category <> 'Usage' or part <> '' then "
                    ~ "coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) end",
                ],
                ["aws_iam_principal", "line_item_iam_principal"],
                ["aws_account", "line_item_usage_account_id"],
                [
                    "service_name",
                    "coalesce(service_name, case when bill_billing_entity = 'AWS Marketplace' then product_name end, service_code)",
                ],
                ["source", "'aws'"],
            ]
        )
    }}
    as claims,
    case
        when bedrock_kind is not null
        then
            {{
                json_object(
                    [
                        ["x_BedrockKind", "bedrock_kind"],
                        ["x_BedrockRouting", "bedrock_routing"],
                        ["x_BedrockTier", "bedrock_tier"],
                        ["x_ModelId", "bedrock_model"],
                        ["x_ModelProvider", "bedrock_model_provider"],
                    ]
                )
            }}
    end as bedrock_details
from numbered
cross join required_kinds

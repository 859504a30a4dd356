-- What each line claims of its owner, and what of Bedrock it is, as JSON; and what its resource is called.
with
    lines as (select * from {{ ref("int_aws_lines__mapped") }}),

    required_kinds as (select * from {{ ref("int_claim_kinds__required") }})

select
    lines.*,
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
from lines
cross join required_kinds

{% macro focus_claims() %}
    {#-
        The claims of a FOCUS row, as [[name, expression], …]. Rows of AWS make the claims that CUR makes for
        the same usage (aws_tag, aws_principal_tag, aws_cost_category, aws_inference_profile, aws_commitment,
        aws_account, service_name, source), so that the same rules find the same owners. The registry names the
        keys that make claims (claim_tag_keys(), claim_cost_categories()).
    -#}
    {%- set claims = [] -%}
    {%- for key in claim_tag_keys() -%}
        {%- set spellings = ["user_" ~ key, "user:" ~ key, key, "user_" ~ (key | capitalize), "user:" ~ (key | capitalize), key | capitalize] -%}
        {%- set tag_value = "coalesce(" ~ _json_texts("tags", spellings) ~ ")" -%}
        {%- do claims.append(["aws_tag:" ~ key, "case when is_aws and has_tags then " ~ tag_value ~ " end"]) -%}
        {%- do claims.append(["focus_tag:" ~ key, "case when not is_aws and has_tags then " ~ tag_value ~ " end"]) -%}
    {%- endfor -%}
    {%- for key in claim_tag_keys() -%}
        {%- do claims.append(["aws_principal_tag:" ~ key, "case when has_tags and " ~ is_bedrock("aws_service_code") ~ " then coalesce(" ~ _json_texts("tags", aws_principal_tag_spellings(key)) ~ ") end"]) -%}
    {%- endfor -%}
    {%- for name in claim_cost_categories() -%}
        {%- do claims.append(["aws_cost_category:" ~ name, "case when is_aws and cost_categories is not null then " ~ json_text("cost_categories", name) ~ " end"]) -%}
    {%- endfor -%}
    {{
        return(
            claims
            + [
                ["focus_resource", "case when not is_aws then resource_id end"],
                ["focus_sub_account", "case when not is_aws then sub_account_id end"],
                ["aws_inference_profile", "case when is_aws then " ~ application_profile("aws_service_code", "resource_id") ~ " end"],
                [
                    "aws_commitment",
                    "case when is_aws and (charge_category <> 'Usage' or commitment_discount_status = 'Unused') then commitment_discount_id end",
                ],
                ["aws_resource", "case when is_aws and requires_resource then resource_id end"],
                ["aws_account", "case when is_aws then sub_account_id end"],
                ["focus_service", "case when not is_aws then service_name end"],
                ["focus_provider", "case when not is_aws then provider end"],
                ["focus_export", "export_name"],
                ["service_name", "case when is_aws then coalesce(aws_service_name, service_name) end"],
                ["source", "case when is_aws then 'aws' else 'focus' end"],
            ]
        )
    }}
{% endmacro %}

{% macro _json_texts(column, names) %}
    {%- set tag_value = [] -%}
    {%- for name in names -%} {%- do tag_value.append(json_text(column, name)) -%} {%- endfor -%}
    {{ return(tag_value | join(", ")) }}
{% endmacro %}

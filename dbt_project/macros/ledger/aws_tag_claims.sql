{% macro aws_tag_claims() %}
    {#-
        The claims that AWS tags and cost categories make, as [[name, expression], …]. Exports spell a user's
        tag `user_team` or `user:team`; the claim is `aws_tag:team` for both. Newer exports also have tags of
        IAM principals (`aws_principal_tag:team`) and accounts (`aws_account_tag:team`), with a prefix, in
        `resource_tags` or in `tags`; they are looked up only on lines that can have them. The registry names
        the keys that make claims (claim_tag_keys()).
    -#}
    {%- set claims = [] -%}
    {%- for key in claim_tag_keys() -%}
        {%- set spellings = ["user_" ~ key, "user:" ~ key, key, "user_" ~ (key | capitalize), "user:" ~ (key | capitalize)] -%}
        {%- do claims.append(["aws_tag:" ~ key, map_value("resource_tags", spellings)]) -%}
    {%- endfor -%}
    {%- for name in claim_cost_categories() -%}
        {%- do claims.append(["aws_cost_category:" ~ name, map_value("cost_category", [name])]) -%}
    {%- endfor -%}
    {%- for key in claim_tag_keys() -%}
        {%- set of_principal = aws_principal_tag_spellings(key) -%}
        {%- set tag_value = "coalesce(" ~ map_value("resource_tags", of_principal) ~ ", " ~ map_value("tags", of_principal) ~ ")" -%}
        {%- do claims.append(["aws_principal_tag:" ~ key, "case when " ~ is_bedrock("service_code") ~ " or line_item_iam_principal is not null then " ~ tag_value ~ " end"]) -%}
    {%- endfor -%}
    {%- for key in claim_tag_keys() -%}
        {%- set of_account = _aws_tag_spellings(["accountTag/", "accountTag:", "account_tag_", "account/"], key) -%}
        {%- do claims.append(["aws_account_tag:" ~ key, "case when tags is not null then " ~ map_value("tags", of_account) ~ " end"]) -%}
    {%- endfor -%}
    {{ return(claims) }}
{% endmacro %}

{% macro aws_principal_tag_spellings(key) %}
    {#- The spellings of an IAM principal's tag in CUR and FOCUS. -#}
    {{- return(_aws_tag_spellings(["iamPrincipal/", "iamPrincipal:", "iam_principal_", "iamprincipal_"], key)) -}}
{% endmacro %}

{% macro _aws_tag_spellings(prefixes, key) %}
    {#- The spellings of a kind of tag: each prefix, then the key as declared or capitalised. -#}
    {%- set spellings = [] -%}
    {%- for prefix in prefixes -%}
        {%- do spellings.extend([prefix ~ key, prefix ~ (key | capitalize)]) -%}
    {%- endfor -%}
    {{ return(spellings) }}
{% endmacro %}

{% macro aws_display_name() %}
    {#- The display name of a resource: AWS's consoles keep it as the tag `Name`. NULL where there is none. -#}
    {{- return(map_value("resource_tags", ["user_name", "user:Name", "user_Name", "user:name", "Name"])) -}}
{% endmacro %}

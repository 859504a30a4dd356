{% macro aws_tag_claims() %}
    {#-
        The claims that AWS tags and cost categories make. Exports spell a user's tag `user_team` or `user:team`;
        the claim is `aws_tag:team` for all of them. Which keys make claims is said in the variable `claim_tag_keys`.
    -#}
    {%- set claims = [] -%}
    {%- for key in var("claim_tag_keys") -%}
        {%- set spellings = ["user_" ~ key, "user:" ~ key, key, "user_" ~ (key | capitalize), "user:" ~ (key | capitalize)] -%}
        {%- do claims.append(["aws_tag:" ~ key, map_value("resource_tags", spellings)]) -%}
    {%- endfor -%}
    {%- for name in var("claim_cost_categories") -%}
        {%- do claims.append(["aws_cost_category:" ~ name, map_value("cost_category", [name])]) -%}
    {%- endfor -%}
    {{ return(claims) }}
{% endmacro %}

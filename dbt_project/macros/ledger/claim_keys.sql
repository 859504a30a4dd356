{% macro claim_tag_keys() %}
    {#- The tag keys that make claims, in their order: the registry's (claim_keys.yml), or a default where it names no key. -#}
    {{- return(_claim_keys("tag", default_claim_tag_keys())) -}}
{% endmacro %}

{% macro claim_cost_categories() %}
    {#- The AWS cost categories that make claims, in their order: the registry's, or a default where it names no key. -#}
    {{- return(_claim_keys("cost_category", default_claim_cost_categories())) -}}
{% endmacro %}

{% macro _claim_keys(claim, default) %}
    {#- Read when a model is compiled: a claim is then an expression of its line, and costs no join. -#}
    {%- set declared = "select claim, claim_key from " ~ ref("stg_registry__claim_keys") ~ " order by position" -%}
    {%- set rows = run_query(declared).rows if execute else [] -%}
    {%- set keys = [] -%}
    {%- for row in rows if row[0] == claim -%} {%- do keys.append(row[1]) -%} {%- endfor -%}
    {{- return(keys if rows else default) -}}
{% endmacro %}

{% macro claim_tag_keys() %}
    {#- The tag keys that make claims. -#}
    {{- return(var("claim_tag_keys")) -}}
{% endmacro %}

{% macro claim_cost_categories() %}
    {#- The AWS cost categories that make claims. -#}
    {{- return(var("claim_cost_categories")) -}}
{% endmacro %}

{#-
    Estimated charges: the list price of unbilled requests. Every charge of `llm_gateway` is one; a gateway bills nothing.
-#}
{% macro is_estimate(charge) %} {{ charge }}.source = '{{ estimating_source() }}' {% endmacro %}

{% macro estimating_source() %} {{- return("llm_gateway") -}} {% endmacro %}

{% macro estimated_groups() %}
    {#- The columns that the requests of an estimate share, as [[column of the request, column of the charge], …]. -#}
    {{
        return([
            ["provider", "ai_provider"], ["model_id", "ai_model"], ["usage_day", "usage_day"],
            ["priced_tier", "ai_service_tier"], ["provider_account_id", "ai_account"], ["claims", "claims"],
            ["accountable_id", "actor_id"], ["service_name", "service_id"], ["customer_id", "customer_id"],
            ["workflow", "workflow_id"], ["feature", "feature"], ["environment", "environment"],
        ])
    }}
{% endmacro %}

{% macro estimated_cost() %}
    {#- The cost of a row of int_llm_estimates__summed over all classes. -#}
    {%- set costs = [] -%}
    {%- for class, _ in llm_cost_classes() -%} {%- do costs.append(class ~ "_cost") -%} {%- endfor -%}
    {{- return(costs | join(" + ")) -}}
{% endmacro %}

{% macro untaggable_reason(charge) %}
    {#-
        Why nobody can put a tag on what a charge (an alias of fact_cost) is for; NULL where somebody can. Coverage by tags is judged
        on the rest. (AWS: what has no resource, and Bedrock's own inference profiles and models, which are nobody's to
        tag; of other vendors: those that know no tags.)
    -#}
    case
        when
            {{ charge }}.source in ('vercel', 'openai', 'anthropic', 'openrouter', 'llm_costs', 'llm_gateway')
        then 'vendor has no tags'
        when {{ charge }}.charge_category = 'Tax'
        then 'tax'
        when {{ charge }}.charge_category = 'Credit'
        then 'credit or discount'
        when {{ charge }}.charge_category = 'Adjustment'
        then 'refund or adjustment'
        when {{ charge }}.commitment_discount_status = 'Unused'
        then 'unused commitment'
        when {{ charge }}.service_subcategory = 'Support'
        then 'support'
        when {{ charge }}.charge_category = 'Purchase'
        then 'fee'
        when
            {{ charge }}.resource_id like 'arn:%:bedrock:%:inference-profile/%'
            or {{ charge }}.resource_id like 'arn:%:bedrock:%:foundation-model/%'
        then 'model of the vendor'
        when {{ charge }}.resource_id is null
        then 'no resource'
    end
{% endmacro %}

{% macro untaggable_reason(charge) %}
    {#-
        Why a charge (an alias of fact_cost) cannot be tagged; NULL where it can. Tag coverage counts only the
        latter. On AWS, charges without a resource and Bedrock's own inference profiles and models cannot be
        tagged; other vendors have no tags at all.
    -#}
    case
        when {{ charge }}.source in ('{{ sources_without_tags() | join("', '") }}')
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

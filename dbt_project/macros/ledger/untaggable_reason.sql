{% macro untaggable_reason(charge) %}
    {#-
        Why nobody can tag a charge (an alias of fact_cost); NULL where somebody can. Tag coverage is judged on the rest.
        Of AWS: what has no resource, and Bedrock's own inference profiles and models, which no customer can tag. Of other
        vendors: those without tags.
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

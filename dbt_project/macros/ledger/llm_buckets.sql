{% macro in_bucket(charge, bucket) %}
    {#-
        Whether a charge belongs to a bucket of tokens: provider, model, token class, UTC day and tier (a charge without a tier
        belongs to all of them). The caller compares the account, because the side on which it may be NULL differs.
    -#}
    {{ charge }}.ai_provider = {{ bucket }}.ai_provider
    and {{ charge }}.ai_model = {{ bucket }}.ai_model
    and {{ charge }}.ai_token_class = {{ bucket }}.ai_token_class
    and {{ charge }}.usage_day = {{ bucket }}.usage_day
    and ({{ charge }}.ai_service_tier = {{ bucket }}.ai_service_tier or {{ charge }}.ai_service_tier is null)
{% endmacro %}

{% macro same_bucket(one, other) %}
    {#- Whether two rows share provider, account, model, token class and UTC day, in any tier. -#}
    {{ one }}.ai_provider = {{ other }}.ai_provider
    and coalesce({{ one }}.ai_account, '') = coalesce({{ other }}.ai_account, '')
    and coalesce({{ one }}.ai_model, '') = coalesce({{ other }}.ai_model, '')
    and {{ one }}.ai_token_class = {{ other }}.ai_token_class
    and {{ one }}.usage_day = {{ other }}.usage_day
{% endmacro %}

{% macro in_bucket(charge, bucket) %}
    {#-
        Whether a charge, or what is said of one, is of a bucket of tokens: provider, model, token class, UTC day and tier (a
        bill that does not tell tiers apart is of all of them). The account is the caller's to compare: what may be unknown
        differs.
    -#}
    {{ charge }}.ai_provider = {{ bucket }}.ai_provider
    and {{ charge }}.ai_model = {{ bucket }}.ai_model
    and {{ charge }}.ai_token_class = {{ bucket }}.ai_token_class
    and {{ charge }}.usage_day = {{ bucket }}.usage_day
    and ({{ charge }}.ai_service_tier = {{ bucket }}.ai_service_tier or {{ charge }}.ai_service_tier is null)
{% endmacro %}

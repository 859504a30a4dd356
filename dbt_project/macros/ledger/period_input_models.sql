{% macro period_input_models() %}
    {#-
        What sources are built from beside their deliveries: models with `source`, `billing_month`, `stage` ('charges',
        'requests' or 'ledger'), `input` and `version`. A source that depends on more than its slices adds its own here.
    -#}
    {{ return(["int_llm_billing_periods__inputs"]) }}
{% endmacro %}

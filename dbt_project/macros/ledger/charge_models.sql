{% macro charge_models() %}
    {#- The classified charges of each source. A new source is added here, and nowhere else downstream. -#}
    {{
        return([
            "int_aws_charges__classified", "int_vercel_charges__classified", "int_atlas_charges__classified",
            "int_llm_provider_charges__classified", "int_focus_charges__classified", "int_llm_estimated_charges__classified",
        ])
    }}
{% endmacro %}

{% macro period_input_models() %}
    {#-
        What sources are built from beside their deliveries: models with `source`, `billing_month`, `stage` ('charges',
        'requests' or 'ledger'), `input` and `version`. A source that depends on more than its slices adds its own here.
    -#}
    {{ return(["int_llm_billing_periods__inputs"]) }}
{% endmacro %}

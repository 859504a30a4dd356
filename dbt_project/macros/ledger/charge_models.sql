{% macro charge_models() %}
    {#- The classified charges of each source: a new source is added here, and nowhere else downstream. -#}
    {{ return(
            [
                "int_aws_charges__classified", "int_vercel_charges__classified", "int_atlas_charges__classified",
                "int_llm_provider_charges__classified",
                "int_focus_charges__classified", "int_llm_estimated_charges__classified",
            ]
        ) }}
{% endmacro %}

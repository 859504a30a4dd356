{# Written by `make generate` from the declarations in ingestion/sources/. #}
{% macro lake_datasets() %}
    {#- The datasets of the vendors, one a source. -#}
    {{
        return(
            [
                "raw_registry",
                "raw_aws",
                "raw_focus",
                "raw_vercel",
                "raw_atlas",
                "raw_llm_providers",
                "raw_llm_gateway",
                "raw_llm_prompts",
                "raw_prices",
            ]
        )
    }}
{% endmacro %}

{% macro money_datasets() %}
    {#- The datasets that hold bills: the ledger is reconciled to them. -#}
    {{
        return(
            [
                "raw_aws",
                "raw_focus",
                "raw_vercel",
                "raw_atlas",
                "raw_llm_providers",
            ]
        )
    }}
{% endmacro %}

{% macro datasets_with_rejected_records() %}
    {#- The datasets in which a record that can't be read is set aside. -#}
    {{
        return(
            [
                "raw_aws",
                "raw_focus",
                "raw_vercel",
                "raw_atlas",
                "raw_llm_providers",
                "raw_llm_gateway",
            ]
        )
    }}
{% endmacro %}

{% macro datasets_of_several_sources() %}
    {#- The datasets of several sources of the ledger: their slice ids begin with the source. -#}
    {{
        return(
            [
                "raw_llm_providers",
            ]
        )
    }}
{% endmacro %}

{% macro sources_without_tags() %}
    {#- The sources whose charges can carry no tags. -#}
    {{
        return(
            [
                "vercel",
                "openai",
                "anthropic",
                "openrouter",
                "llm_costs",
                "llm_gateway",
            ]
        )
    }}
{% endmacro %}

{% macro llm_billing_sources() %}
    {#- The sources whose bill covers usage of language models up to its newest charge. -#}
    {{
        return(
            [
                "aws",
                "vercel",
                "openai",
                "anthropic",
                "openrouter",
            ]
        )
    }}
{% endmacro %}

{% macro default_claim_tag_keys() %}
    {#- The tag keys that make claims where the registry names no key, in their order. -#}
    {{
        return(
            [
                "team",
                "owner",
                "service",
                "application",
                "cost_center",
            ]
        )
    }}
{% endmacro %}

{% macro default_claim_cost_categories() %}
    {#- The cost categories that make claims where the registry names no key, in their order. -#}
    {{
        return(
            [
                "team",
            ]
        )
    }}
{% endmacro %}

{% macro charge_models() %}
    {#- The classified charges of each source. -#}
    {{
        return(
            [
                "int_atlas_charges__classified",
                "int_aws_charges__classified",
                "int_focus_charges__classified",
                "int_llm_estimated_charges__classified",
                "int_llm_provider_charges__classified",
                "int_vercel_charges__classified",
            ]
        )
    }}
{% endmacro %}

{% macro money_datasets() %}
    {#- The datasets whose slices have billed money: the ledger is reconciled to them. -#}
    {{ return(["raw_aws", "raw_focus", "raw_vercel", "raw_atlas", "raw_llm_providers"]) }}
{% endmacro %}

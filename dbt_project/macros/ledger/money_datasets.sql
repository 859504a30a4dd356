{% macro money_datasets() %}
    {#- The datasets whose slices carry billed money: those that the ledger is reconciled to. -#}
    {{ return(["raw_aws", "raw_focus", "raw_vercel", "raw_atlas", "raw_llm_providers"]) }}
{% endmacro %}

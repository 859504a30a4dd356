{#- What the daily cost results of all LLM providers are told apart by; `bucket_start` is their day. -#}
{% macro llm_charge_id(scope, parts) %}
    {#- A result's natural key: an expression that says whose it is, its UTC day, and what it is of. -#}
    {{ scope }} || '|' || cast(cast(bucket_start as date) as string)
    {%- for part in parts %} || '|' || coalesce({{ part }}, '') {%- endfor %}
{% endmacro %}

{% macro occurrence_of_content() %}
    {#- Results that say the same, all columns of them, are charges all the same: the first, the second … of a slice. -#}
    row_number() over (partition by load_id, slice_id, content_key order by content_key)
{% endmacro %}

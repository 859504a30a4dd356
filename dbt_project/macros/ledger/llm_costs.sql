{% macro llm_charge_id(scope, parts) %}
    {#-
        The natural key of a provider's daily cost result, whose day is `bucket_start`: an expression for its scope, the UTC
        day, and what the result is for.
    -#}
    {{ scope }} || '|' || cast(cast(bucket_start as date) as string)
    {%- for part in parts %} || '|' || coalesce({{ part }}, '') {%- endfor %}
{% endmacro %}

{% macro canonical_model(column) %}
    {#- A model's name without what gateways and providers add: `openai/gpt-5-mini-2025-08-07` is `gpt-5-mini`. -#}
    regexp_replace(
        regexp_replace(lower({{ column }}), '^.*/', ''), '-(20[0-9]{2}-[0-9]{2}-[0-9]{2}|20[0-9]{6})$', ''
    )
{% endmacro %}

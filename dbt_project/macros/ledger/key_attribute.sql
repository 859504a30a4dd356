{% macro key_attribute(column) %}
    {#- The gateway's own attribute of the key for a column, under its common names. Callers cannot set it. -#}
    {%- set names = {
        "team_id": ["team_id", "team"],
        "service_name": ["service", "service_name"],
        "workflow": ["workflow", "workflow_id"],
        "feature": ["feature"],
        "customer_id": ["customer_id", "customer"],
        "environment": ["environment", "env"],
        "experiment": ["experiment", "experiment_id", "job"],
        "cost_center": ["cost_center"],
    } -%}
    coalesce(
        {%- for name in names[column] %}nullif({{ json_text("key_attributes", name) }}, ''), {%- endfor %}
        null
    )
{% endmacro %}

{% macro key_or_caller_attribute(column) %}
    {#- The key's own attribute; the caller's only where the key has none. -#}
    coalesce({{ key_attribute(column) }}, nullif({{ column }}, ''))
{% endmacro %}

{% macro caller_contradicts_key() %}
    {#- Whether the caller's attributes of a request differ from those that the gateway keeps of its key. -#}
    (
        {%- for column in ["team_id", "service_name", "workflow", "feature", "customer_id", "environment", "experiment", "cost_center"] %}
            coalesce(
                {{ key_attribute(column) }} <> nullif({{ column }}, ''), false
            ){{ " or" if not loop.last }}
        {%- endfor %}
    )
{% endmacro %}

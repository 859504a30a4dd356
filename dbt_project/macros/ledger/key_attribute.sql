{% macro key_attribute(column) %}
    {#-
        What the gateway itself keeps of the key in the place of a column, by the names that are in use for it: no caller
        can set it.
    -#}
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
    {#- The key's own attribute outranks what the caller says. -#}
    coalesce({{ key_attribute(column) }}, nullif({{ column }}, ''))
{% endmacro %}

{% macro caller_contradicts_key() %}
    {#- Whether the caller says of a request something else than the gateway keeps of its key. -#}
    (
        {%- for column in ["team_id", "service_name", "workflow", "feature", "customer_id", "environment", "experiment", "cost_center"] %}
            coalesce(
                {{ key_attribute(column) }} <> nullif({{ column }}, ''), false
            ){{ " or" if not loop.last }}
        {%- endfor %}
    )
{% endmacro %}

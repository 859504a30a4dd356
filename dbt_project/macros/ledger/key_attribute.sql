{% macro key_attribute(column) %}
    {#-
        A column's value in the key's own metadata, which the gateway holds and no caller can set. Its names are those that a
        caller may use (ATTRIBUTES in ingestion/sources/llm_gateway/formats/base.py), and the team's.
    -#}
    {%- set names = {
        "team_id": ["team_id", "team"],
        "service_name": ["service", "service_name"],
        "workflow": ["workflow", "workflow_id"],
        "feature": ["feature"],
        "customer_id": ["customer_id", "customer"],
        "environment": ["environment", "env"],
        "experiment": ["experiment", "experiment_id", "job", "job_id"],
        "cost_center": ["cost_center"],
    } -%}
    coalesce(
        {%- for name in names[column] %}nullif({{ json_text("key_attributes", name) }}, ''), {%- endfor %}
        null
    )
{% endmacro %}

{% macro key_or_caller_attribute(column) %}
    {#- The key's own attribute outranks the caller's. -#}
    coalesce({{ key_attribute(column) }}, nullif({{ column }}, ''))
{% endmacro %}

{% macro caller_contradicts_key() %}
    {#- Whether a caller's attribute differs from the key's own. -#}
    (
        {%- for column in ["team_id", "service_name", "workflow", "feature", "customer_id", "environment", "experiment", "cost_center"] %}
            coalesce(
                {{ key_attribute(column) }} <> nullif({{ column }}, ''), false
            ){{ " or" if not loop.last }}
        {%- endfor %}
    )
{% endmacro %}

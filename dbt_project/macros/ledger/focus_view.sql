{#-
    A FOCUS view has the specification's own column names and no other columns. 1.4 has no provider and publisher;
    1.2 has neither the allocation columns nor those that 1.3 and 1.4 added.
-#}
{% macro focus_name(column) %}
    {%- set words = [] -%}
    {%- for part in column.split("_") -%} {%- do words.append(part | capitalize) -%} {%- endfor -%}
    {{ return(words | join("")) }}
{% endmacro %}

{% macro focus_select(version) %}
    {%- set since_1_3 = [
        "allocated_method_details", "allocated_method_id", "allocated_resource_id", "allocated_resource_name",
        "allocated_tags", "contract_applied", "host_provider_name", "service_provider_name",
    ] -%}
    {%- set since_1_4 = ["invoice_detail_id", "commitment_program_eligibility_details"] -%}
    {%- set columns = [] -%}
    {%- for column in focus_columns() -%}
        {%- if not (version == "1.2" and column in since_1_3 + since_1_4)
            and not (version == "1.3" and column in since_1_4) -%}
            {%- do columns.append(column) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if version != "1.4" -%} {%- do columns.extend(["provider_name", "publisher_name"]) -%} {%- endif -%}
    select
        {% for column in columns | sort -%}
            {{ focus_value(column) }} as {{ quoted(focus_name(column)) }}{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref("fact_cost") }}
{% endmacro %}

{% macro focus_value(column) %}
    {%- if column in timestamp_columns() -%} {{ utc_instant(column) }} {%- else -%} {{ column }} {%- endif -%}
{% endmacro %}

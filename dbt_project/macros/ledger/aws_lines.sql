{% macro aws_line_description() %}
    {#- The columns, other than amounts, that identify a CUR line. -#}
    {{
        return(
            [
                "slice_id", "identity_line_item_id", "identity_time_interval", "line_item_line_item_type",
                "line_item_usage_type", "line_item_operation", "line_item_resource_id",
                "line_item_usage_account_id", "line_item_usage_start_date",
            ]
        )
    }}
{% endmacro %}

{% macro aws_line_amounts() %}
    {#- The amounts that identify a CUR line. -#}
    {{ return(["line_item_unblended_cost", "line_item_usage_amount"]) }}
{% endmacro %}

{% macro aws_line_key() %}
    {#-
        The key of the charge that a CUR line becomes: its content, the part of the line, and its number among
        equal lines.
    -#}
    {%- set amounts = [] -%}
    {%- for column in aws_line_amounts() -%} {%- do amounts.append(decimal_text(column)) -%} {%- endfor -%}
    {{ md5_key(["'aws'", "part"] + aws_line_description() + amounts + ["occurrence"]) }}
{% endmacro %}

{% macro aws_lines_to_build(lines) %}
    {#- The lines of the periods to build, with `source` and `charges_fingerprint`. -#}
    {{- charges_to_build("(select *, 'aws' as source from " ~ lines ~ ")", "charges_fingerprint") -}}
{% endmacro %}

{% macro lake_totals(dataset) %}
    {#- The control totals of a dataset, of all deliveries; zero rows where nothing was delivered. -#}
    {%- set declared = source(dataset, "delivery_totals") -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    {%- set files = lake_files(dataset ~ "/_contract/delivery_totals.parquet") + lake_files(
        dataset ~ "/delivery_totals/*.parquet"
    ) -%}
    read_parquet({{ quoted_list(files) }}, union_by_name = true)
{%- endmacro %}

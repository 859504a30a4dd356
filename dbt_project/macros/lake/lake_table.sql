{% macro lake_table(dataset, table, vendor_files=false) %}
    {#-
        A raw table: the rows of each slice's newest good delivery, with `slice_id`, `delivery_load_id` and
        `billing_month` from the delivery note. For the FROM of a staging model, which names its columns. The
        files are listed when the model is compiled, so files of superseded deliveries are never opened. A
        filter on the load limits the list further. The contract file (no rows, all declared columns) comes
        first: a table that was never delivered is empty, and a column that a vendor leaves out is NULL. Rows of
        a vendor's own files have no slice id: each of their slices is a load of its own.
    -#}
    {%- set declared = source(dataset, table) -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    (
        select
            delivered.*,
            {% if vendor_files %} notes.slice_id, {% endif %}
            {{ load_of_file("delivered.lake_file") }} as delivery_load_id,
            notes.billing_period as billing_month
        from {{ current_files(dataset, table) }} as delivered
        inner join
            {{ current_slices() }} as notes on notes.dataset = '{{ dataset }}'
            {% if not vendor_files %} and delivered.slice_id = notes.slice_id {% endif %}
            and {{ load_of_file("delivered.lake_file") }} = notes.load_id
    )
{%- endmacro %}

{% macro lake_history(table) %}
    {#- The rows of a table of the lake's own history: of every complete load, because nothing in it is ever replaced. -#}
    {%- set declared = source("raw_history", table) -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    (
        select delivered.*, loads.load_id
        from
            {{ parquet_files(["raw_history/_contract/" ~ table ~ ".parquet", "raw_history/" ~ table ~ "/*.parquet"]) }}
            as delivered
        inner join
            (
                select distinct load_id
                from
                    {{ load_records(["raw_history/_contract/loads.jsonl", "raw_history/_dlt_loads/*.jsonl"]) }}
                where status = 0
            ) as loads
            on loads.load_id = {{ load_of_file("delivered.lake_file") }}
    )
{%- endmacro %}

{% macro lake_totals(dataset) %}
    {#- The control totals of a dataset, of all deliveries; no rows where nothing was delivered. -#}
    {%- set declared = source(dataset, "delivery_totals") -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    {{ parquet_files([dataset ~ "/_contract/delivery_totals.parquet", dataset ~ "/delivery_totals/*.parquet"]) }}
{%- endmacro %}

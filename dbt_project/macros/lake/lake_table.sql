{% macro lake_table(dataset, table, vendor_files=false) %}
    {#-
        A raw table as it stands: the rows of each slice's newest good delivery, with `slice_id`, `delivery_load_id` and
        `billing_month` from the delivery note. For use in the FROM of a staging model, which names its columns.

        The files are listed when the model is compiled: superseded deliveries are not even opened. The contract
        file (no rows, all declared columns) comes first, so that a table that has never been delivered is empty and
        a column that a vendor leaves out is NULL. A filter on the load reaches the list of files: the others are not
        opened either. Rows of a vendor's own files carry no slice id: each of their
        slices is a load of its own.
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

{% macro lake_totals(dataset) %}
    {#- The control totals of a dataset, of all deliveries; no rows where nothing was delivered. -#}
    {%- set declared = source(dataset, "delivery_totals") -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    {{ parquet_files([dataset ~ "/_contract/delivery_totals.parquet", dataset ~ "/delivery_totals/*.parquet"]) }}
{%- endmacro %}

{% macro lake_table(dataset, table, vendor_files=false) %}
    {#-
        A raw table as it stands: the rows of each slice's newest good delivery, with `slice_id`, `load_id` and
        `billing_period` from the delivery note. For use in the FROM of a staging model.

        The files are listed when the model is compiled: superseded deliveries are not even opened. The contract
        file (no rows, all declared columns) comes first, so that a table that has never been delivered is empty and
        a column that a vendor leaves out is NULL. Rows of a vendor's own files carry no slice id: each of their
        slices is a load of its own.
    -#}
    {%- set declared = source(dataset, table) -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    {%- set contract = lake_files(dataset ~ "/_contract/" ~ table ~ ".parquet") -%}
    {%- if not contract -%}
        {{
            exceptions.raise_compiler_error(
                "the lake at " ~ lake_path() ~ " does not know " ~ dataset ~ "." ~ table
                ~ ": land the source first (make refresh), also if it is not set up"
            )
        }}
    {%- endif -%}
    {%- set found = run_query(
        "select distinct load_id from lake.current_slices where dataset = '" ~ dataset ~ "' and row_count > 0"
    ) -%}
    {%- set loads = found.columns[0].values() | list -%}
    {%- set files = contract -%}
    {%- for file in lake_files(dataset ~ "/" ~ table ~ "/*.parquet") -%}
        {%- if file.split("/")[-1].split(".")[:2] | join(".") in loads -%}
            {%- do files.append(file) -%}
        {%- endif -%}
    {%- endfor -%}
    (
        select
            {% if vendor_files %} delivered.* exclude (filename), notes.slice_id,
            {% else %} delivered.* exclude (filename),
            {% endif %}
            notes.load_id as delivery_load_id,
            notes.billing_period as billing_month
        from read_parquet({{ quoted_list(files) }}, union_by_name = true, filename = true) as delivered
        inner join
            lake.current_slices as notes on notes.dataset = '{{ dataset }}'
            {% if not vendor_files %} and delivered.slice_id = notes.slice_id {% endif %}
            and {{ load_of_file("delivered.filename") }} = notes.load_id
    )
{%- endmacro %}

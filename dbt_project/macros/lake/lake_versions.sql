{% macro lake_versions(dataset, table) %}
    {#-
        The rows of every delivery of a versioned raw table (`Table.versioned`), with `delivery_load_id` and
        `delivered_at`: what was deleted since is known from earlier deliveries alone. For the FROM of a staging
        model. A list that did not change has no delivery of its own.
    -#}
    {%- set declared = source(dataset, table) -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    (
        select delivered.*, notes.load_id as delivery_load_id, notes.extracted_at as delivered_at
        from
            {{
                parquet_files(
                    [dataset ~ "/_contract/" ~ table ~ ".parquet", dataset ~ "/" ~ table ~ "/*.parquet"]
                )
            }} as delivered
        inner join
            (
                select slice_id, load_id, min(extracted_at) as extracted_at
                from {{ lake_schema() }}.delivery_notes
                where dataset = '{{ dataset }}' and state = 'delivered'
                group by slice_id, load_id
            ) as notes
            on delivered.slice_id = notes.slice_id
            and {{ load_of_file("delivered.lake_file") }} = notes.load_id
    )
{%- endmacro %}

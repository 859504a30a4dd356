{% macro lake_versions(dataset, table) %}
    {#-
        The rows of every delivery of a versioned raw table (`Table.versioned`), with `delivery_load_id`,
        `delivered_at` and `newest_list_at`, when the list was delivered last: what was deleted since is known from
        earlier deliveries alone. For the FROM of a staging model. A list that did not change has no delivery of
        its own, and an empty one no rows.
    -#}
    {%- set declared = source(dataset, table) -%}
    {%- if not execute -%} {{ return("(select 1)") }} {%- endif -%}
    (
        select
            delivered.*,
            notes.load_id as delivery_load_id,
            notes.extracted_at as delivered_at,
            newest.extracted_at as newest_list_at
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
        inner join
            (
                select slice_id, max(extracted_at) as extracted_at
                from {{ lake_schema() }}.delivery_notes
                where dataset = '{{ dataset }}' and state in ('delivered', 'empty')
                group by slice_id
            ) as newest
            on delivered.slice_id = newest.slice_id
    )
{%- endmacro %}

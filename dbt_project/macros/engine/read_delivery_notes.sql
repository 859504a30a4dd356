{% macro lake_datasets() %}
    {#- The datasets of the lake, one a source. -#}
    {{
        return(
            [
                "raw_aws",
                "raw_vercel",
                "raw_atlas",
                "raw_llm_providers",
                "raw_llm_gateway",
                "raw_price_book",
                "raw_registry",
            ]
        )
    }}
{% endmacro %}

{% macro read_delivery_notes() %}
    {#-
        Build `lake.current_slices`: one row a slice, its newest good delivery note (delivered, empty or unchanged).

        A note counts only if dlt recorded its load as complete. Runs once before a dbt run, so that every model of
        the run sees the same deliveries, whatever lands meanwhile.
    -#}
    {% if not execute or flags.WHICH not in ("run", "build", "test", "compile", "show") %}
        {{ return("") }}
    {% endif %}
    {% set parts = [] %}
    {% for dataset in lake_datasets() %}
        {% set notes = lake_files(dataset ~ "/deliveries/*.parquet") %}
        {% set loads = lake_files(dataset ~ "/_dlt_loads/*.jsonl") %}
        {% if notes and loads %}
            {% set part %}
                select
                    '{{ dataset }}' as dataset,
                    {{ load_of_file("filename") }} as note_load_id,
                    slice_id, state, load_id, billing_period, vendor_version, row_count, content_digest,
                    extracted_at, window_start, window_end, newest_charge_at, message
                from read_parquet({{ quoted_list(notes) }}, union_by_name = true, filename = true)
                where {{ load_of_file("filename") }} in (
                    select load_id
                    from read_json({{ quoted_list(loads) }}, columns = {'load_id': 'varchar', 'status': 'integer'})
                    where status = 0
                )
            {% endset %}
            {% do parts.append(part) %}
        {% endif %}
    {% endfor %}
    {% if not parts %}
        {% set part %}
            select
                cast(null as varchar) as dataset, cast(null as varchar) as note_load_id,
                cast(null as varchar) as slice_id, cast(null as varchar) as state,
                cast(null as varchar) as load_id, cast(null as varchar) as billing_period,
                cast(null as varchar) as vendor_version, cast(null as bigint) as row_count,
                cast(null as varchar) as content_digest, cast(null as timestamptz) as extracted_at,
                cast(null as timestamptz) as window_start, cast(null as timestamptz) as window_end,
                cast(null as timestamptz) as newest_charge_at, cast(null as varchar) as message
            where false
        {% endset %}
        {% do parts.append(part) %}
    {% endif %}
    {% do run_query("create schema if not exists lake") %}
    {% do run_query("create or replace table lake.delivery_notes as " ~ parts | join(" union all ")) %}
    {% set current %}
        create or replace table lake.current_slices as
        select * exclude (newness)
        from (
            select
                *,
                row_number() over (
                    partition by dataset, slice_id order by extracted_at desc, note_load_id desc
                ) as newness
            from lake.delivery_notes
            where state in ('delivered', 'empty', 'unchanged')
        )
        where newness = 1
    {% endset %}
    {% do run_query(current) %}
    {{ return("") }}
{% endmacro %}

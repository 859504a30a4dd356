{% macro newest_note_first() %}
    {#-
        The order of a slice's delivery notes: by the landing that wrote them, whatever the clock showed. Notes of
        earlier releases have no number: the time decides among them, and any numbered note is newer.
    -#}
    landing_sequence desc nulls last, extracted_at desc, note_load_id desc
{% endmacro %}

{% macro read_delivery_notes() %}
    {#-
        Build `lake.current_slices`: one row per slice, with its newest good delivery note (delivered, empty or
        unchanged) that is not held. A note counts only if dlt recorded its load as complete. It runs once before a
        dbt run, so that every model of the run sees the same deliveries, whatever lands meanwhile.
    -#}
    {% if not execute or flags.WHICH not in ("run", "build", "test", "compile", "show") %}
        {{ return("") }}
    {% endif %}
    {% do check_session() %}
    {% set note_columns = [
        "slice_id", "state", "load_id", "billing_period", "vendor_version", "row_count", "content_digest",
        "extracted_at", "window_start", "window_end", "oldest_charge_at", "newest_charge_at",
        "message", "landing_sequence",
    ] %}
    {% set hold_columns = [
        "slice_id", "load_id", "billing_period", "ledger_source", "rule", "reason", "held_at",
    ] %}
    {% set note_files, load_files, hold_files = [], [], [] %}
    {% for dataset in lake_datasets() %}
        {% do note_files.extend([dataset ~ "/_contract/deliveries.parquet", dataset ~ "/deliveries/*.parquet"]) %}
        {% do hold_files.extend([dataset ~ "/_contract/holds.parquet", dataset ~ "/holds/*.parquet"]) %}
        {% do load_files.extend([dataset ~ "/_contract/loads.jsonl", dataset ~ "/_dlt_loads/*.jsonl"]) %}
    {% endfor %}
    {% set notes %}
        select notes.lake_dataset as dataset, loads.load_id as note_load_id, notes.{{ note_columns | join(", notes.") }}
        from {{ parquet_files(note_files) }} as notes
        inner join
            (select distinct dataset, load_id from {{ load_records(load_files) }} where status = 0) as loads
            on loads.dataset = notes.lake_dataset
            and loads.load_id = {{ load_of_file("notes.lake_file") }}
    {% endset %}
    {% set holds %}
        select held.lake_dataset as dataset, held.{{ hold_columns | join(", held.") }}
        from {{ parquet_files(hold_files) }} as held
    {% endset %}
    {% set current %}
        select dataset, note_load_id, {{ note_columns | join(", ") }}
        from (
            select
                *,
                row_number() over (
                    partition by dataset, slice_id order by {{ newest_note_first() }}
                ) as recency_rank
            from {{ lake_schema() }}.delivery_notes as notes
            where
                state in ('delivered', 'empty', 'unchanged')
                and not exists (
                    select 1
                    from {{ held_deliveries() }} as held
                    where
                        held.dataset = notes.dataset
                        and held.slice_id = notes.slice_id
                        and held.load_id = notes.load_id
                )
        ) as ranked
        where recency_rank = 1
    {% endset %}
    {% do run_query("create schema if not exists " ~ lake_schema()) %}
    {% do replace_table(lake_schema() ~ ".delivery_notes", notes) %}
    {% do replace_table(held_deliveries(), holds) %}
    {% do replace_table(current_slices(), current) %}
    {{ return("") }}
{% endmacro %}

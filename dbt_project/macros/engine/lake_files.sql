{#-
    Reading the lake's files. `patterns` are paths below the lake's root; they may hold `*`. At least one of them must
    match: the `_contract` folder, which a source writes before it lands anything, is always there.
-#}
{% macro parquet_files(patterns) %}
    {#- A relation of Parquet files, their columns united by name, and of each row its file as `lake_file`. -#}
    {{- return(adapter.dispatch("parquet_files")(patterns)) -}}
{% endmacro %}

{% macro duckdb__parquet_files(patterns) %}
    (
        select *, filename as lake_file
        from read_parquet({{ duckdb_files(patterns) }}, union_by_name = true, filename = true)
    )
{% endmacro %}

{#- spark.sql.parquet.mergeSchema is on in the profile. -#}
{% macro spark__parquet_files(patterns) %}
    (select *, _metadata.file_path as lake_file from parquet.{{ spark_files(patterns) }})
{% endmacro %}

{% macro load_records(patterns) %}
    {#- A relation of dlt's records of its loads: `load_id`, `status` (0: complete). -#}
    {{- return(adapter.dispatch("load_records")(patterns)) -}}
{% endmacro %}

{% macro duckdb__load_records(patterns) %}
    read_json({{ duckdb_files(patterns) }}, columns = {'load_id':'varchar', 'status':'integer'})
{% endmacro %}

{% macro spark__load_records(patterns) %}
    (
        select cast(load_id as string) as load_id, cast(status as int) as status
        from json.{{ spark_files(patterns) }}
    )
{% endmacro %}

{% macro spark_files(patterns) %}
    {#- The files that match, as one path with alternatives in braces. -#}
    {{- return("`" ~ lake_path() ~ "/{" ~ patterns | join(",") ~ "}`") -}}
{% endmacro %}

{% macro duckdb_files(patterns) %}
    {#- The files that match, as a SQL list: DuckDB refuses a pattern of a list that matches nothing. -#}
    {%- set quoted = [] -%}
    {%- for pattern in patterns -%}
        {%- set found = run_query("select file from glob('" ~ lake_path() ~ "/" ~ pattern ~ "') order by file") -%}
        {%- for file in found.columns[0].values() -%}
            {%- do quoted.append("'" ~ (file | replace("'", "''")) ~ "'") -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if not quoted -%}
        {{
            exceptions.raise_compiler_error(
                "the lake at " ~ lake_path() ~ " has no " ~ patterns[0]
                ~ ": land the source first (make refresh), also if it is not set up"
            )
        }}
    {%- endif -%}
    {{- return("[" ~ quoted | join(", ") ~ "]") -}}
{% endmacro %}

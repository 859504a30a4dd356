{#-
    Reading the lake's files. `patterns` are paths below the lake's root, `<dataset>/<folder>/<file>`; they may hold `*`.
    At least one of them must match: the `_contract` folder, which a source writes before it lands anything, is always there.
-#}
{% macro parquet_files(patterns) %}
    {#- A relation of Parquet files, their columns united by name, and of each row its dataset, its file and its number in
        it, as `lake_dataset`, `lake_file` (its name: a lake that moves keeps its rows' places) and `lake_row`. -#}
    {{- return(adapter.dispatch("parquet_files")(patterns)) -}}
{% endmacro %}

{% macro duckdb__parquet_files(patterns) %} {{ duckdb_parquet(duckdb_files(patterns)) }} {% endmacro %}

{% macro duckdb_parquet(files) %}
    (
        select
            * exclude (file_row_number),
            parse_path(filename)[-3] as lake_dataset,
            parse_filename(filename) as lake_file,
            file_row_number as lake_row
        from
            read_parquet(
                {{ duckdb_list(files) }}, union_by_name = true, filename = true, file_row_number = true
            )
    )
{% endmacro %}

{#-
    Spark takes the columns from the first file by path, and that is the contract's: `_contract` sorts before any name of a
    table. (With `mergeSchema` every query would first read the footers of all files, in a job of its own, once for each
    time that it names the table.) A column that a file hasn't got is NULL; one that no contract declares is not read.
-#}
{% macro spark__parquet_files(patterns) %}
    (
        select
            *,
            {{ spark_dataset() }} as lake_dataset,
            _metadata.file_name as lake_file,
            _metadata.row_index as lake_row
        from parquet.{{ spark_files(patterns) }}
    )
{% endmacro %}

{% macro current_files(dataset, table) %}
    {#-
        A relation of the Parquet files of a raw table that hold a current delivery, with its contract first; of each row
        its file as `lake_file`. Superseded deliveries are not even opened.
    -#}
    {{- return(adapter.dispatch("current_files")(dataset, table)) -}}
{% endmacro %}

{% macro current_loads(dataset) %}
    {#- A query of the loads that hold a current delivery of a dataset. -#}
    select distinct load_id from {{ current_slices() }} where dataset = '{{ dataset }}' and row_count > 0
{% endmacro %}

{#- The folder is listed once, however many loads it holds. -#}
{% macro duckdb__current_files(dataset, table) %}
    {%- set listed -%}
        select file
        from glob('{{ lake_path() }}/{{ dataset }}/{{ table }}/*.parquet')
        where {{ load_of_file("file") }} in ({{ current_loads(dataset) }})
        order by file
    {%- endset -%}
    {%- set files = [lake_path() ~ "/" ~ dataset ~ "/_contract/" ~ table ~ ".parquet"] -%}
    {%- do files.extend(run_query(listed).columns[0].values()) -%}
    {{- duckdb_parquet(files) -}}
{% endmacro %}

{#- Alternatives in braces without a slash are one listing of the folder. -#}
{% macro spark__current_files(dataset, table) %}
    {%- set patterns = [dataset ~ "/_contract/" ~ table ~ ".parquet"] -%}
    {%- set loads = run_query(current_loads(dataset) ~ " order by load_id").columns[0].values() -%}
    {%- if loads -%}
        {%- do patterns.append(dataset ~ "/" ~ table ~ "/{" ~ loads | join(",") ~ "}.*.parquet") -%}
    {%- endif -%}
    {{- spark__parquet_files(patterns) -}}
{% endmacro %}

{% macro load_records(patterns) %}
    {#- A relation of dlt's records of its loads: `dataset`, `load_id`, `status` (0: complete). -#}
    {{- return(adapter.dispatch("load_records")(patterns)) -}}
{% endmacro %}

{% macro duckdb__load_records(patterns) %}
    (
        select parse_path(filename)[-3] as dataset, load_id, status
        from
            read_json(
                {{ duckdb_list(duckdb_files(patterns)) }},
                columns = {'load_id':'varchar', 'status':'integer'},
                filename = true
            )
    )
{% endmacro %}

{#- As text: Spark would read all of it once more to find out what the JSON's columns are. -#}
{% macro spark__load_records(patterns) %}
    (
        select dataset, record.load_id, record.status
        from
            (
                select
                    {{ spark_dataset() }} as dataset, from_json(value, 'load_id string, status int') as record
                from text.{{ spark_files(patterns) }}
            )
    )
{% endmacro %}

{% macro spark_dataset() %}
    {#- The dataset of a file, by its path. -#}
    {{- return("element_at(split(_metadata.file_path, '/'), -3)") -}}
{% endmacro %}

{% macro spark_files(patterns) %}
    {#- The files that match, as one path with alternatives in braces. -#}
    {{- return("`" ~ lake_path() ~ "/{" ~ patterns | join(",") ~ "}`") -}}
{% endmacro %}

{% macro duckdb_files(patterns) %}
    {#- The files that match: DuckDB refuses a pattern of a list that matches nothing. One without `*` has to be there. -#}
    {%- set all_files = [] -%}
    {%- for pattern in patterns -%}
        {%- set listed = run_query("select file from glob('" ~ lake_path() ~ "/" ~ pattern ~ "') order by file") -%}
        {%- set files = listed.columns[0].values() -%}
        {%- if not files and "*" not in pattern -%}
            {{
                exceptions.raise_compiler_error(
                    "the lake at " ~ lake_path() ~ " has no " ~ pattern
                    ~ ": land the source first (make refresh), also if it is not set up"
                )
            }}
        {%- endif -%}
        {%- do all_files.extend(files) -%}
    {%- endfor -%}
    {{- return(all_files) -}}
{% endmacro %}

{% macro duckdb_list(texts) %}
    {#- Texts as a SQL list. -#}
    {%- set quoted = [] -%}
    {%- for text in texts -%} {%- do quoted.append("'" ~ (text | replace("'", "''")) ~ "'") -%} {%- endfor -%}
    {{- return("[" ~ quoted | join(", ") ~ "]") -}}
{% endmacro %}

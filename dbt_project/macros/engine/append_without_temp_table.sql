{#-
    An incremental model that only appends is inserted straight from its query. dbt-duckdb would first write the new
    rows to a temporary table: a bill would be written twice, and held in memory uncompressed. Here that name is a
    view.
-#}
{% macro duckdb__create_table_as(
    temporary, relation, compiled_code, language="sql", partitioned_by=none, sorted_by=none
) %}
    {%- set appends = (
        temporary and config.get("materialized") == "incremental" and config.get("incremental_strategy") == "append"
    ) -%}
    {%- if not appends -%}
        {{-
            return(
                dbt.duckdb__create_table_as(
                    temporary, relation, compiled_code, language, partitioned_by, sorted_by
                )
            )
        -}}
    {%- endif -%}
    {%- if config.get("contract").enforced -%}
        {{- get_assert_columns_equivalent(compiled_code) -}}
    {%- endif -%}
    create temporary view {{ relation.include(database=false, schema=false) }} as {{ compiled_code }}
{% endmacro %}

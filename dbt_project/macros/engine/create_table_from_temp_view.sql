{#-
    dbt-spark plans a table with a contract twice: to compare its columns with the contract, and to write it. Here
    both read a temporary view, which keeps its plan (spark.sql.legacy.storeAnalyzedPlanForView in the profile).
-#}
{% macro spark__create_table_as(temporary, relation, compiled_code, language="sql") %}
    {%- set select = compiled_code -%}
    {%- if not temporary and language == "sql" and config.get("contract").enforced -%}
        {%- set planned = relation.identifier ~ "__planned" -%}
        {%- do run_query("create or replace temporary view " ~ planned ~ " as " ~ compiled_code) -%}
        {%- set select = "select * from " ~ planned -%}
    {%- endif -%}
    {{- return(dbt.spark__create_table_as(temporary, relation, select, language)) -}}
{% endmacro %}

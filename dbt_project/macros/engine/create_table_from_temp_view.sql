{#-
    A table with a contract is planned twice by dbt-spark: to compare its columns with the contract, and to be written. Here
    it is made a temporary view first, which keeps its plan (spark.sql.legacy.storeAnalyzedPlanForView in the profile), and
    both read that.
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

{#- How an engine keeps a table by `source` and `billing_month`, and drops periods of it. -#}
{% macro by_period_strategy() %}
    {{- return("insert_overwrite" if target.type == "spark" else "append") -}}
{% endmacro %}

{% macro by_period_partitions(also=[]) %}
    {{- return(["source", "billing_month"] + also if target.type == "spark" else none) -}}
{% endmacro %}

{#-
    A step of the ledger that many models read. DuckDB plans a view in no time, so there only the ledger itself is
    written. Spark plans a view again wherever it is read, and a plan of all sources through all steps takes longer
    than their rows, so there the step is a table, built by period like the ledger.
-#}
{% macro step_materialization() %}
    {{- return("incremental" if target.type == "spark" else "view") -}}
{% endmacro %}

{% macro step_hook(fingerprint) %}
    {{- return("{{ drop_stale_periods('" ~ fingerprint ~ "', 'built_from') }}" if target.type == "spark" else []) -}}
{% endmacro %}

{% macro step_charges(charges, fingerprint) %}
    {#-
        The relation that a step selects from: all charges for a view; for a table those of the periods to
        build, with the fingerprint as `built_from`.
    -#}
    {{- return(adapter.dispatch("step_charges")(charges, fingerprint)) -}}
{% endmacro %}

{% macro duckdb__step_charges(charges, fingerprint) %} {{ charges }} {% endmacro %}

{% macro spark__step_charges(charges, fingerprint) %}
    {{ charges_to_build(charges, fingerprint, "built_from") }}
{% endmacro %}

{% macro drop_periods(relation, alias, condition) %}
    {#- Drop the periods of a table that have rows which meet a condition. -#}
    {{- return(adapter.dispatch("drop_periods")(relation, alias, condition)) -}}
{% endmacro %}

{% macro duckdb__drop_periods(relation, alias, condition) %}
    delete from {{ relation }} as {{ alias }} where {{ condition }}
{% endmacro %}

{#- Plain Parquet tables have no DELETE: a period is a partition and is dropped as a whole. -#}
{% macro spark__drop_periods(relation, alias, condition) %}
    {% if execute %}
        {% set stale_periods = run_query(
            "select distinct source, billing_month from " ~ relation ~ " as " ~ alias ~ " where " ~ condition
        ) %}
        {% set partitions = [] %}
        {% for row in stale_periods.rows %}
            {% do partitions.append("partition (source = '" ~ row[0] ~ "', billing_month = '" ~ row[1] ~ "')") %}
        {% endfor %}
        {% if partitions %}
            {% do run_query("alter table " ~ relation ~ " drop if exists " ~ partitions | join(", ")) %}
        {% endif %}
    {% endif %}
    select 1
{% endmacro %}

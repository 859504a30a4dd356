{#- How an engine keeps a table by `source` and `billing_month`, and drops periods of it. -#}
{% macro by_period_strategy() %}
    {{- return("insert_overwrite" if target.type == "spark" else "append") -}}
{% endmacro %}

{% macro by_period_partitions(also=[]) %}
    {{- return(["source", "billing_month"] + also if target.type == "spark" else none) -}}
{% endmacro %}

{% macro drop_periods(relation, alias, condition) %}
    {#- Drop the periods of a table that have rows which meet a condition. -#}
    {{- return(adapter.dispatch("drop_periods")(relation, alias, condition)) -}}
{% endmacro %}

{% macro duckdb__drop_periods(relation, alias, condition) %}
    delete from {{ relation }} as {{ alias }} where {{ condition }}
{% endmacro %}

{#- Plain Parquet tables know no DELETE: a period is a partition, and goes as a whole. -#}
{% macro spark__drop_periods(relation, alias, condition) %}
    {% if execute %}
        {% set found = run_query(
            "select distinct source, billing_month from " ~ relation ~ " as " ~ alias ~ " where " ~ condition
        ) %}
        {% for row in found.rows %}
            {% do run_query(
                "alter table " ~ relation ~ " drop if exists partition (source = '" ~ row[0] ~ "', billing_month = '"
                ~ row[1] ~ "')"
            ) %}
        {% endfor %}
    {% endif %}
    select 1
{% endmacro %}

{% macro check_session() %}
    {#- Refuse to run where the engine's settings would make the ledger inexact; `profiles.yml` sets them. -#}
    {%- if execute -%} {%- do adapter.dispatch("check_session")() -%} {%- endif -%}
{% endmacro %}

{% macro duckdb__check_session() %} {% endmacro %}

{#-
    A Thrift server may ignore a client's settings. Without the first, Spark silently drops the last place of sums
    and products of money; without the second, days are not in UTC.
-#}
{% macro spark__check_session() %}
    {%- set session = run_query(
        "select typeof(cast(1 as decimal(38, 12)) - cast(1 as decimal(38, 12))), current_timezone()"
    ).rows[0] -%}
    {%- set required = [
        ("decimal(38,12)", "spark.sql.decimalOperations.allowPrecisionLoss = false"),
        ("UTC", "spark.sql.session.timeZone = UTC"),
    ] -%}
    {%- for value, setting in required -%}
        {%- set actual = session[loop.index0] -%}
        {%- if actual != value -%}
            {{
                exceptions.raise_compiler_error(
                    "Spark's session has " ~ actual ~ " where " ~ value ~ " is needed: set " ~ setting
                    ~ " on the server (docs/scaling.md)"
                )
            }}
        {%- endif -%}
    {%- endfor -%}
{% endmacro %}

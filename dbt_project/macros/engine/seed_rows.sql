{#-
    Seeds on Spark. dbt-spark binds values as parameters, which its session method writes as text: an empty cell
    becomes 'None'. Here values are literals, and an empty cell is NULL, as on DuckDB.
-#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {% set types = model["config"].get("column_types", {}) %}
    {% set sql %}
        insert into {{ this }} values
        {% for row in agate_table.rows %}
            (
            {%- for column in agate_table.column_names -%}
                {%- set value = row[column] -%}
                cast(
                    {%- if value is none -%} null
                    {%- else -%} '{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
                    {%- endif %} as {{ types.get(column, adapter.convert_type(agate_table, loop.index0)) }})
                {{- ", " if not loop.last -}}
            {%- endfor -%}
            ){{ "," if not loop.last }}
        {% endfor %}
    {% endset %}
    {% do adapter.add_query(sql, abridge_sql_log=True) %}
    {{ return(sql) }}
{% endmacro %}

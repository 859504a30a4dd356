{#-
    Replace a view in one statement. dbt would make the new view beside the old one, rename both and drop one, and
    DuckDB binds it at each step: with views over views that took a third of a build.
-#}
{% materialization view, adapter="duckdb" %}
    {%- set before = load_cached_relation(this) -%}
    {%- set view = this.incorporate(type="view") -%}
    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {#- Where the name was a table, the table is dropped first, in the same transaction. -#}
    {%- if before is not none and not before.is_view -%} {% do adapter.drop_relation(before) %} {%- endif -%}
    {% call statement("main") %} {{ get_create_view_as_sql(view, sql) }} {% endcall %}
    {% do persist_docs(view, model) %}
    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({"relations": [view]}) }}
{% endmaterialization %}

{% macro duckdb__create_view_as(relation, sql) %}
    {%- if config.get("contract").enforced -%} {{- get_assert_columns_equivalent(sql) -}} {%- endif -%}
    create or replace view {{ relation }} as ({{ sql }})
{% endmacro %}

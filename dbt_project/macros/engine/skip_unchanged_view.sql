{#-
    Spark analyses a view, and all views below it, when it is made: with views over views that is a quarter of a build. A
    view that would say what it says already is left alone: its SQL and the project's files (COSTOWNER_PROJECT_DIGEST, which
    `python -m orchestration` sets) are those that it was made of. A full refresh makes every view anew.
-#}
{% materialization view, adapter="spark" %}
    {%- set before = load_cached_relation(this) -%}
    {%- set made_of = view_made_of(sql) -%}
    {%- set is_kept = (
        made_of
        and not should_full_refresh()
        and before is not none
        and before.is_view
        and made_of in (before.information or "")
    ) -%}
    {%- if not is_kept -%} {{ return(create_or_replace_view()) }} {%- endif -%}
    {{ run_hooks(pre_hooks) }}
    {% call noop_statement("main", "as it was") %} {{ sql }} {% endcall %}
    {{ run_hooks(post_hooks) }}
    {{ return({"relations": [before]}) }}
{% endmaterialization %}

{% macro view_made_of(sql) %}
    {%- set project = env_var("COSTOWNER_PROJECT_DIGEST", "") -%}
    {{- return(local_md5(project ~ sql) if project else "") -}}
{% endmacro %}

{#- Hive's metastore keeps 32,700 characters of a view's text: they are not spent on indentation. -#}
{% macro spark__create_view_as(relation, sql) %}
    {%- if config.get("contract").enforced -%} {{- get_assert_columns_equivalent(sql) -}} {%- endif -%}
    {%- set made_of = view_made_of(sql) -%}
    create or replace view {{ relation }}
    {{ comment_clause() }}
    {% if made_of %} tblproperties ('costowner.made_of' = '{{ made_of }}') {% endif %}
    as {{ modules.re.sub("\\n\\s+", "\\n", sql) }}
{% endmacro %}

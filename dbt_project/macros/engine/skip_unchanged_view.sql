{#-
    Spark analyses a view and all views below it when it creates one: with views over views that takes a quarter of
    a build. An unchanged view is left alone: it was made from the same SQL and the same project files
    (COSTOWNER_PROJECT_DIGEST, which the command sets). A full refresh creates every view again.
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

{#- Hive's metastore keeps 32,700 characters of a view's text, so indentation is removed. -#}
{% macro spark__create_view_as(relation, sql) %}
    {%- if config.get("contract").enforced -%} {{- get_assert_columns_equivalent(sql) -}} {%- endif -%}
    {%- set made_of = view_made_of(sql) -%}
    create or replace view {{ relation }}
    {{ comment_clause() }}
    {% if made_of %} tblproperties ('costowner.made_of' = '{{ made_of }}') {% endif %}
    as {{ modules.re.sub("\\n\\s+", "\\n", sql) }}
{% endmacro %}

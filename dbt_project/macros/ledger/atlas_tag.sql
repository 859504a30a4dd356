{% macro atlas_tag(key) %}
    {#- A tag of an Atlas line: its own, or else that of its cluster, or else that of its project. -#}
    coalesce(
        {{ json_first_of_list("tags", key) }},
        nullif({{ json_text("cluster_tags", key) }}, ''),
        nullif({{ json_text("project_tags", key) }}, '')
    )
{%- endmacro %}

{% macro atlas_cluster() %}
    {#- A cluster by its project and name: a name alone may be another project's too. NULL where the line names none. -#}
    case when cluster_name is not null then coalesce(group_id, '') || '/' || cluster_name end
{%- endmacro %}

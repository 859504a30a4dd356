{% macro atlas_cluster() %}
    {#-
        The id of a cluster, with its project: another project may have the same name. NULL where the line has
        no cluster.
    -#}
    case when cluster_name is not null then coalesce(group_id, '') || '/' || cluster_name end
{%- endmacro %}

{% macro owning_group(roles, name, id, project_count, owns) %}
    {#-
        The group (team, access group) that owns each project of a delivery, from a relation of the groups' roles: of several
        the one with the fewest projects says most about a project. `owns` is the condition of a role that is more than a
        view.
    -#}
    (
        select slice_id, load_id, project_id, {{ name }}
        from
            (
                select
                    slice_id,
                    load_id,
                    project_id,
                    {{ name }},
                    row_number() over (
                        partition by slice_id, load_id, project_id
                        order by {{ project_count }} nulls last, {{ name }}, {{ id }}
                    ) as specificity_rank
                from {{ roles }}
                where {{ name }} is not null and {{ owns }}
            ) as ranked
        where specificity_rank = 1
    )
{% endmacro %}

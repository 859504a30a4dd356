{{ config(materialized="table") }}

-- A project with its name and access group, by the deliveries of the list: a version holds from the
-- delivery that has it to the next one that has another. A deleted project keeps its last version, and
-- with it its owner.
with
    projects as (select * from {{ ref("stg_vercel__projects") }}),

    roles as (select * from {{ ref("stg_vercel__access_group_projects") }}),

    owned as (
        select *
        from
            {{ owning_group(
                "roles", "access_group_name", "access_group_id", "group_project_count",
                "role in ('ADMIN', 'PROJECT_DEVELOPER')"
            ) }} as owning_groups
    ),

    -- A list may repeat a record.
    joined as (
        select
            projects.slice_id,
            projects.project_id,
            projects.delivered_at,
            max(projects.newest_list_at) as newest_list_at,
            coalesce(max(case when projects.has_access_groups then 1 else 0 end), 0) = 1 as has_access_groups,
            max(projects.team_id) as team_id,
            max(projects.project_name) as project_name,
            max(owned.access_group_name) as access_group_name,
            max(projects.repository) as repository,
            max(projects.created_at) as created_at
        from projects
        left join
            owned
            on projects.slice_id = owned.slice_id
            and projects.load_id = owned.load_id
            and projects.project_id = owned.project_id
        group by projects.slice_id, projects.project_id, projects.delivered_at
    ),

    counted as (
        select joined.*, {{ known_count("has_access_groups", ["project_id"]) }} as known_count from joined
    ),

    -- Where the groups could not be read, a project is in those that it was in before.
    listed as (
        select
            slice_id,
            project_id,
            delivered_at,
            newest_list_at,
            team_id,
            project_name,
            repository,
            created_at,
            {{ last_known("access_group_name", "has_access_groups", ["project_id"]) }} as access_group_name
        from counted
    )

select *
from
    {{
        list_versions(
            "listed", ["project_id"], ["team_id", "project_name", "access_group_name", "repository"]
        )
    }}

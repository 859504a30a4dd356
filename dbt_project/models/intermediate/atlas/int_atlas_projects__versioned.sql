{{ config(materialized="table") }}

-- A project with its tags and the team that owns it, by the deliveries of the list.
with
    projects as (select * from {{ ref("stg_atlas__projects") }}),

    roles as (select * from {{ ref("stg_atlas__project_teams") }}),

    owned as (
        select *
        from
            {{ owning_group(
                "roles", "team_name", "team_id", "team_project_count",
                "(roles like '%\"GROUP_OWNER\"%' or roles like '%\"GROUP_CLUSTER_MANAGER\"%')"
            ) }} as owning_groups
    ),

    -- A list may repeat a record.
    joined as (
        select
            projects.slice_id,
            projects.project_id,
            projects.delivered_at,
            max(projects.newest_list_at) as newest_list_at,
            coalesce(max(case when projects.has_teams then 1 else 0 end), 0) = 1 as has_teams,
            max(projects.org_id) as org_id,
            max(projects.project_name) as project_name,
            max(owned.team_name) as team_name,
            max(projects.tags) as tags,
            max(projects.created_at) as created_at
        from projects
        left join
            owned
            on projects.slice_id = owned.slice_id
            and projects.load_id = owned.load_id
            and projects.project_id = owned.project_id
        group by projects.slice_id, projects.project_id, projects.delivered_at
    ),

    counted as (select joined.*, {{ known_count("has_teams", ["project_id"]) }} as known_count from joined),

    -- Where the teams could not be read, a project has the one that it had before.
    listed as (
        select
            slice_id,
            project_id,
            delivered_at,
            newest_list_at,
            org_id,
            project_name,
            tags,
            created_at,
            {{ last_known("team_name", "has_teams", ["project_id"]) }} as team_name
        from counted
    )

select *
from {{ list_versions("listed", ["project_id"], ["org_id", "project_name", "team_name", "tags"]) }}

with
    vercel_projects as (select * from {{ ref("int_vercel_projects__versioned") }}),

    members as (select * from {{ ref("int_vercel_members__summed") }}),

    atlas_projects as (select * from {{ ref("int_atlas_projects__versioned") }}),

    atlas_clusters as (select * from {{ ref("int_atlas_clusters__versioned") }}),

    resources as (
        select
            'vercel' as source,
            'Project' as resource_type,
            vercel_projects.project_id as resource_id,
            vercel_projects.project_name as resource_name,
            vercel_projects.team_id as parent_id,
            vercel_projects.access_group_name as owning_group,
            members.administrators,
            vercel_projects.repository,
            cast(null as string) as tags,
            vercel_projects.created_at,
            vercel_projects.valid_from,
            vercel_projects.valid_to,
            vercel_projects.is_deleted,
            vercel_projects.last_listed_at
        from vercel_projects
        left join members on vercel_projects.project_id = members.project_id

        union all

        select
            'atlas',
            'Project',
            project_id,
            project_name,
            org_id,
            team_name,
            null,
            null,
            tags,
            created_at,
            valid_from,
            valid_to,
            is_deleted,
            last_listed_at
        from atlas_projects

        union all

        select
            'atlas',
            'Cluster',
            project_id || '/' || cluster_name,
            cluster_name,
            project_id,
            null,
            null,
            null,
            tags,
            created_at,
            valid_from,
            valid_to,
            is_deleted,
            last_listed_at
        from atlas_clusters
    )

select
    source,
    resource_type,
    resource_id,
    resource_name,
    parent_id,
    owning_group,
    administrators,
    repository,
    tags,
    created_at,
    valid_from,
    valid_to,
    valid_to is null as is_current,
    is_deleted,
    last_listed_at
from resources

{{ config(materialized="table") }}

-- A cluster with its tags, by the deliveries of the list. Charges name it by its project and its name,
-- so one that is made again under its name goes on.
with
    clusters as (select * from {{ ref("stg_atlas__clusters") }}),

    listed as (
        select
            slice_id,
            project_id,
            cluster_name,
            delivered_at,
            max(newest_list_at) as newest_list_at,
            max(tags) as tags,
            max(created_at) as created_at
        from clusters
        group by slice_id, project_id, cluster_name, delivered_at
    )

select *
from {{ list_versions("listed", ["project_id", "cluster_name"], ["tags"]) }}

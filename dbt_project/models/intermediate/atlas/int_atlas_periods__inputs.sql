-- What the charges of a month are made of beside their deliveries: tags of the clusters, tags and teams of
-- the projects that existed in it, and the use of clusters on its days.
with
    months as (
        select distinct
            billing_month,
            cast(billing_month || '-01' as timestamp) as month_start,
            cast(billing_month || '-01' as timestamp) + interval '1' month as month_end
        from {{ ref("int_slices__current") }}
        where dataset = 'raw_atlas' and billing_month is not null
    ),

    resources as (
        select
            'project ' || project_id as input,
            coalesce(project_name, '')
            || '/'
            || coalesce(tags, '')
            || '/'
            || coalesce(team_name, '') as attributes,
            created_at,
            valid_from,
            held_from,
            held_to
        from {{ ref("int_atlas_projects__versioned") }}

        union all

        select
            'cluster ' || project_id || '/' || cluster_name,
            coalesce(tags, ''),
            created_at,
            valid_from,
            held_from,
            held_to
        from {{ ref("int_atlas_clusters__versioned") }}
    ),

    uses as (
        select
            substr(cast(usage_day as string), 1, 7) as billing_month,
            'use of ' || project_id || '/' || cluster_name || ' ' || cast(usage_day as string) as input,
            {{
                md5_key(
                    [
                        joined_text(
                            "driver || '/' || member || '/' || database_name || '/' || application_name || '=' || cast(quantity as string)",
                            "driver, member, database_name, application_name",
                        )
                    ]
                )
            }}
            as attributes
        from {{ ref("int_atlas_usage__daily") }}
        group by usage_day, project_id, cluster_name
    ),

    inputs as (
        select
            months.billing_month,
            resources.input || ' ' || cast(resources.valid_from as string) as input,
            resources.attributes
        from months
        inner join
            resources
            on resources.held_from < months.month_end
            and resources.held_to > months.month_start
            and coalesce(resources.created_at, timestamp '1970-01-01 00:00:00') < months.month_end

        union all

        select months.billing_month, uses.input, uses.attributes
        from months
        inner join uses on months.billing_month = uses.billing_month
    )

select
    billing_month, {{ md5_key([joined_text("input || '=' || attributes", "input, attributes")]) }} as version
from inputs
group by billing_month

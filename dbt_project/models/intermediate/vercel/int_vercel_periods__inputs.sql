-- What the charges of a month are made of beside their deliveries: names and access groups of the
-- projects that existed in it, the names of its teams, and the contract commitments that ran in it.
with
    months as (
        select distinct
            billing_month,
            {{ regex_group("slice_id", "^charges[|]([^|]+)[|]", 1) }} as team_id,
            cast(billing_month || '-01' as timestamp) as month_start,
            -- A day in Los Angeles ends in the next one of UTC.
            cast(billing_month || '-01' as timestamp) + interval '1' month + interval '1' day as month_end
        from {{ ref("int_slices__current") }}
        where dataset = 'raw_vercel' and billing_month is not null
    ),

    projects as (select * from {{ ref("int_vercel_projects__versioned") }}),

    teams as (select * from {{ ref("int_vercel_teams__named") }}),

    commitments as (select * from {{ ref("int_vercel_commitments__known") }}),

    inputs as (
        select
            months.billing_month,
            'project ' || projects.project_id || ' ' || cast(projects.valid_from as string) as input,
            coalesce(projects.project_name, '') || '/' || coalesce(projects.access_group_name, '') as version
        from months
        inner join
            projects
            on coalesce(projects.team_id, months.team_id) = months.team_id
            and projects.held_from < months.month_end
            and projects.held_to > months.month_start
            and coalesce(projects.created_at, timestamp '1970-01-01 00:00:00') < months.month_end

        union all

        select months.billing_month, 'team ' || teams.team_id, coalesce(teams.team_name, '')
        from months
        inner join teams on months.team_id = teams.team_id

        union all

        select
            months.billing_month,
            'commitment '
            || commitments.team_id
            || ' '
            || commitments.contract_commitment_id
            || ' '
            || cast(commitments.contract_commitment_period_start as string),
            {{
                md5_key([
                    "commitments.contract_id", "commitments.contract_commitment_period_end",
                    "commitments.contract_commitment_category", "commitments.contract_commitment_unit",
                ])
            }}
        from months
        inner join
            commitments
            on months.team_id = commitments.team_id
            and commitments.contract_commitment_period_start < months.month_end
            and commitments.contract_commitment_period_end > months.month_start
    )

select billing_month, {{ md5_key([joined_text("input || '=' || version", "input, version")]) }} as version
from inputs
group by billing_month

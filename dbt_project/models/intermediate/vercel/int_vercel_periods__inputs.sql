-- What the charges of a month are made of beside their deliveries: names and access groups of the projects
-- that
-- existed in it, names of teams, and the contract commitments that ran in it.
with
    months as (
        select distinct
            billing_month,
            cast(billing_month || '-01' as timestamp) as month_start,
            -- A day in Los Angeles ends in the next one of UTC.
            cast(billing_month || '-01' as timestamp) + interval '1' month + interval '1' day as month_end
        from {{ ref("int_slices__current") }}
        where dataset = 'raw_vercel' and billing_month is not null
    ),

    projects as (select * from {{ ref("int_vercel_projects__versioned") }}),

    teams as (select * from {{ ref("int_vercel_teams__named") }}),

    commitments as (select * from {{ ref("int_vercel_commitments__known") }})

select
    'vercel' as source,
    months.billing_month,
    'charges' as stage,
    'project ' || projects.project_id as input,
    {{ md5_key([joined_text("coalesce(project_name, '') || '/' || coalesce(access_group_name, '')", "valid_from")]) }}
    as version
from months
inner join
    projects
    on projects.held_from < months.month_end
    and projects.held_to > months.month_start
    and coalesce(projects.created_at, projects.valid_from) < months.month_end
group by months.billing_month, projects.project_id

union all

select 'vercel', months.billing_month, 'charges', 'team ' || teams.team_id, coalesce(teams.team_name, '')
from months
cross join teams

union all

select
    'vercel',
    months.billing_month,
    'charges',
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
    on commitments.contract_commitment_period_start < months.month_end
    and commitments.contract_commitment_period_end > months.month_start

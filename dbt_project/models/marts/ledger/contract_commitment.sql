with
    commitments as (select * from {{ ref("int_vercel_commitments__known") }}),

    applied as (
        select
            team_id,
            contract_commitment_id,
            contract_commitment_period_start,
            cast(sum(applied) as decimal(38, 12)) as applied,
            max(applied_through) as applied_through
        from {{ ref("int_vercel_commitments__applied") }}
        group by team_id, contract_commitment_id, contract_commitment_period_start
    ),

    measured as (
        select
            commitments.*,
            case
                when commitments.contract_commitment_category = 'Spend'
                then commitments.contract_commitment_cost
                else commitments.contract_commitment_quantity
            end as committed,
            coalesce(applied.applied, 0) as applied,
            applied.applied_through
        from commitments
        left join
            applied
            on commitments.team_id = applied.team_id
            and commitments.contract_commitment_id = applied.contract_commitment_id
            and commitments.contract_commitment_period_start = applied.contract_commitment_period_start
    )

select
    'vercel' as source,
    team_id as billing_account_id,
    contract_id,
    contract_period_start,
    contract_period_end,
    contract_commitment_id,
    contract_commitment_period_start,
    contract_commitment_period_end,
    contract_commitment_category,
    contract_commitment_type,
    contract_commitment_description,
    contract_commitment_cost,
    contract_commitment_quantity,
    contract_commitment_unit,
    billing_currency,
    cast(applied as decimal(38, 12)) as applied,
    cast(committed - applied as decimal(38, 12)) as remaining,
    applied_through
from measured

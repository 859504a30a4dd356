with
    commitments as (
        select
            *,
            case
                when contract_commitment_category = 'Spend'
                then contract_commitment_cost
                else contract_commitment_quantity
            end as committed
        from {{ ref("contract_commitment") }}
    ),

    applied as (select * from {{ ref("int_vercel_commitments__applied") }}),

    running as (
        select
            applied.*,
            sum(applied) over (
                partition by team_id, contract_commitment_id, contract_commitment_period_start
                order by billing_month
                rows between unbounded preceding and current row
            ) as applied_to_date
        from applied
    )

select
    commitments.source,
    commitments.billing_account_id,
    commitments.contract_id,
    commitments.contract_commitment_id,
    commitments.contract_commitment_period_start,
    commitments.contract_commitment_period_end,
    running.billing_month,
    commitments.contract_commitment_category,
    commitments.contract_commitment_unit,
    cast(commitments.committed as decimal(38, 12)) as committed,
    running.applied,
    cast(running.applied_to_date as decimal(38, 12)) as applied_to_date,
    cast(commitments.committed - running.applied_to_date as decimal(38, 12)) as remaining,
    running.applied_through
from running
inner join
    commitments
    on running.team_id = commitments.billing_account_id
    and running.contract_commitment_id = commitments.contract_commitment_id
    and running.contract_commitment_period_start = commitments.contract_commitment_period_start

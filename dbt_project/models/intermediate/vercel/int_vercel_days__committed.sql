-- The commitment that committed usage of a team's day counts towards: the one that runs on that day in
-- the unit of the usage. Of two the one that began last.
with
    days as (
        select distinct team_id, charge_period_start, pricing_unit
        from {{ ref("stg_vercel__charges") }}
        where
            {{ focus_category("charge_category") }} = 'Usage'
            and {{ focus_pricing_category("pricing_category") }} = 'Committed'
    ),

    commitments as (select * from {{ ref("int_vercel_commitments__known") }}),

    ranked as (
        select
            days.team_id,
            days.charge_period_start,
            days.pricing_unit,
            coalesce(commitments.contract_id, commitments.contract_commitment_id) as contract_id,
            commitments.contract_commitment_id,
            commitments.contract_commitment_period_start,
            commitments.contract_commitment_category = 'Spend' as is_spend,
            row_number() over (
                partition by days.team_id, days.charge_period_start, days.pricing_unit
                order by commitments.contract_commitment_period_start desc, commitments.contract_commitment_id
            ) as recency_rank
        from days
        inner join
            commitments
            on days.team_id = commitments.team_id
            and days.charge_period_start >= commitments.contract_commitment_period_start
            and days.charge_period_start < commitments.contract_commitment_period_end
            and upper(days.pricing_unit) = upper(
                coalesce(
                    commitments.contract_commitment_unit,
                    case
                        when commitments.contract_commitment_category = 'Spend'
                        then commitments.billing_currency
                    end
                )
            )
    )

select
    team_id,
    charge_period_start,
    pricing_unit,
    contract_id,
    contract_commitment_id,
    contract_commitment_period_start,
    is_spend
from ranked
where recency_rank = 1

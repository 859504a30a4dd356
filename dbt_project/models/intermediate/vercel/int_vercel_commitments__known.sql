-- A contract commitment as it was delivered last: Vercel may list only those that run. An earlier term
-- of the same id stays where it ended before the newest one began; otherwise its period was corrected,
-- and the newest one has it.
with
    delivered as (
        select
            commitments.*,
            max(delivered_at) over (partition by team_id, contract_commitment_id) as newest_delivered_at
        from {{ ref("stg_vercel__contract_commitments") }} as commitments
    ),

    bounded as (
        select
            delivered.*,
            min(case when delivered_at = newest_delivered_at then contract_commitment_period_start end) over (
                partition by team_id, contract_commitment_id
            ) as newest_period_start
        from delivered
    ),

    ranked as (
        select
            bounded.*,
            row_number() over (
                partition by team_id, contract_commitment_id, contract_commitment_period_start
                order by
                    delivered_at desc,
                    contract_commitment_period_end desc,
                    contract_id,
                    contract_commitment_quantity,
                    contract_commitment_cost
            ) as recency_rank
        from bounded
        where delivered_at = newest_delivered_at or contract_commitment_period_end <= newest_period_start
    )

select
    team_id,
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
    delivered_at
from ranked
where recency_rank = 1

-- A contract commitment as it was delivered last: Vercel may list only those that run.
with
    delivered as (
        select *
        from {{ ref("stg_vercel__contract_commitments") }}
        where contract_commitment_period_start < contract_commitment_period_end
    ),

    ranked as (
        select
            delivered.*,
            row_number() over (
                partition by team_id, contract_commitment_id, contract_commitment_period_start
                order by
                    delivered_at desc,
                    contract_commitment_period_end desc,
                    contract_id,
                    contract_commitment_quantity,
                    contract_commitment_cost
            ) as recency_rank
        from delivered
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

{{ config(materialized="view", meta={"parquet": false}) }}

-- The same charges with today's declarations of their owners: names, parents and cost centers as they are
-- now.
with
    costs as (select * from {{ ref("fact_cost") }}),

    owners as (select * from {{ ref("dim_owner") }}),

    latest as (
        select
            owners.*,
            row_number() over (
                partition by owner_id order by is_current desc, valid_from desc
            ) as recency_rank
        from owners
    )

select
    costs.charge_key,
    costs.source,
    costs.billing_month,
    costs.charge_period_start,
    costs.billed_cost,
    costs.effective_cost,
    costs.billing_currency,
    costs.owner_id,
    latest.owner_key,
    latest.name as owner_name,
    latest.team_owner_id,
    latest.cost_center
from costs
inner join latest on costs.owner_id = latest.owner_id and latest.recency_rank = 1

-- What the committed usage of a month takes of a commitment: MIUs of one to use, effective cost of one to
-- spend.
with
    charges as (
        select *
        from {{ ref("stg_vercel__charges") }}
        where
            {{ focus_category("charge_category") }} = 'Usage'
            and {{ focus_pricing_category("pricing_category") }} = 'Committed'
    ),

    days as (select * from {{ ref("int_vercel_days__committed") }})

select
    days.team_id,
    days.contract_commitment_id,
    days.contract_commitment_period_start,
    charges.billing_month,
    cast(
        sum(case when days.is_spend then charges.effective_cost else charges.pricing_quantity end) as decimal(
            38, 12
        )
    ) as applied,
    count(*) as charge_count,
    max(charges.charge_period_end) as applied_through
from charges
inner join
    days
    on charges.team_id = days.team_id
    and charges.charge_period_start = days.charge_period_start
    and charges.pricing_unit = days.pricing_unit
group by
    days.team_id, days.contract_commitment_id, days.contract_commitment_period_start, charges.billing_month

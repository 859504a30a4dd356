-- The owners' statement: what each owner carries, by month and source, and how it came to them.
with costs as (select * from {{ ref("fact_cost") }}), owners as (select * from {{ ref("dim_owner") }})

select
    costs.billing_month,
    costs.source,
    owners.team_owner_id,
    costs.owner_id,
    costs.owner_key,
    owners.name as owner_name,
    costs.billing_currency,
    case
        when costs.owner_id = 'unowned'
        then 'unowned'
        when costs.evidence_kind = 'allocation'
        then 'allocated'
        when owners.owner_kind = 'shared pool'
        then 'unallocated pool'
        else 'owned'
    end as attribution_type,
    cast(sum(costs.billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(costs.effective_cost) as decimal(38, 12)) as effective_cost,
    cast(
        sum(case when costs.is_estimated then costs.effective_cost else 0 end) as decimal(38, 12)
    ) as estimated_cost,
    cast(count(*) as bigint) as charge_count
from costs
inner join owners on costs.owner_key = owners.owner_key
group by
    costs.billing_month,
    costs.source,
    owners.team_owner_id,
    costs.owner_id,
    costs.owner_key,
    owners.name,
    costs.billing_currency,
    case
        when costs.owner_id = 'unowned'
        then 'unowned'
        when costs.evidence_kind = 'allocation'
        then 'allocated'
        when owners.owner_kind = 'shared pool'
        then 'unallocated pool'
        else 'owned'
    end

-- The weight of each member of a shared pool in a month and currency, a whole number that accumulates over
-- the members. A further driver (tokens, requests, bytes) is one more CTE beside `by_direct_cost`, joined
-- into `weights`.
with
    pools as (select * from {{ ref("stg_registry__allocation_pools") }}),

    members as (select * from {{ ref("stg_registry__allocation_pool_members") }}),

    owners as (select * from {{ ref("stg_registry__owners") }}),

    summed as (select * from {{ ref("int_claims__summed") }}),

    resolved as (select * from {{ ref("int_claims__resolved") }}),

    months as (select distinct billing_month, billing_currency from summed),

    -- Summed by owner first: claims are as many as resources and days, owners are few.
    spent as (
        select
            summed.billing_month,
            summed.billing_currency,
            summed.charge_day,
            resolved.owner_id,
            sum(summed.effective_cost) as effective_cost
        from summed
        inner join
            resolved
            on summed.source = resolved.source
            and summed.billing_month = resolved.billing_month
            and summed.claims = resolved.claims
            and summed.charge_day = resolved.charge_day
        group by summed.billing_month, summed.billing_currency, summed.charge_day, resolved.owner_id
    ),

    direct as (
        select
            spent.billing_month,
            spent.billing_currency,
            owners.team_owner_id as owner_id,
            sum(spent.effective_cost) as direct_cost
        from spent
        inner join
            owners
            on spent.owner_id = owners.owner_id
            and spent.charge_day >= owners.valid_from
            and spent.charge_day < owners.valid_to
        group by spent.billing_month, spent.billing_currency, owners.team_owner_id
    ),

    -- In millionths, so that weight × amount has at most 38 digits. A team with net credits has no weight.
    by_direct_cost as (
        select
            billing_month,
            billing_currency,
            owner_id,
            case
                when direct_cost > 0
                then {{ whole_quotient(to_units("direct_cost"), "1000000") }}
                else {{ whole_number("0") }}
            end as weight
        from direct
    ),

    weights as (
        select
            pools.pool_owner_id,
            pools.method,
            pools.valid_from,
            pools.valid_to,
            months.billing_month,
            months.billing_currency,
            members.member_owner_id,
            case
                when pools.method = 'even'
                then {{ whole_number("1") }}
                when pools.method = 'fixed'
                then {{ whole_quotient(to_units("members.share"), "1000000") }}
                else coalesce(by_direct_cost.weight, {{ whole_number("0") }})
            end as weight
        from pools
        inner join members on pools.pool_owner_id = members.pool_owner_id
        cross join months
        left join
            by_direct_cost
            on months.billing_month = by_direct_cost.billing_month
            and months.billing_currency = by_direct_cost.billing_currency
            and members.member_owner_id = by_direct_cost.owner_id
    ),

    totals as (
        select
            weights.*,
            sum(weight) over (
                partition by pool_owner_id, valid_from, billing_month, billing_currency
            ) as driver_weight
        from weights
    ),

    driven as (
        select
            totals.*,
            -- A pool without any driver in a month is split evenly, and its method shows it.
            case when driver_weight = 0 then {{ whole_number("1") }} else weight end as share_weight,
            case
                when driver_weight = 0 then method || ' (no driver: even)' else method
            end as allocation_method
        from totals
        where weight > 0 or driver_weight = 0
    ),

    cumulated as (
        select
            driven.*,
            sum(share_weight) over (
                partition by pool_owner_id, valid_from, billing_month, billing_currency
            ) as total_weight,
            {{
                running_weight(
                    "share_weight", "pool_owner_id, valid_from, billing_month, billing_currency", "member_owner_id"
                )
            }}
            as cumulative_weight
        from driven
    )

select
    pool_owner_id,
    billing_month,
    billing_currency,
    member_owner_id,
    valid_from,
    valid_to,
    allocation_method,
    {{ whole_number("share_weight") }} as weight,
    {{ whole_number("cumulative_weight - share_weight") }} as cumulative_weight_before,
    {{ whole_number("cumulative_weight") }} as cumulative_weight,
    {{ whole_number("total_weight") }} as total_weight
from cumulated

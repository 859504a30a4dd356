-- The weight of each member of each shared pool in a month and currency: a whole number.
-- A further driver (tokens, requests, bytes) is one more CTE beside `by_direct_cost`, joined into `weighed`.
with
    pools as (select * from {{ ref("stg_registry__allocation_pools") }}),

    members as (select * from {{ ref("stg_registry__allocation_pool_members") }}),

    owners as (select * from {{ ref("dim_owner") }}),

    owned as (select * from {{ ref("int_charges__owned") }}),

    months as (select distinct billing_month, billing_currency from owned),

    direct as (
        select
            owned.billing_month,
            owned.billing_currency,
            owners.team_owner_id as owner_id,
            sum(owned.effective_cost) as direct_cost
        from owned
        inner join
            owners
            on owned.owner_id = owners.owner_id
            and cast(owned.charge_period_start as date) >= owners.valid_from
            and cast(owned.charge_period_start as date) < owners.valid_to
        group by owned.billing_month, owned.billing_currency, owners.team_owner_id
    ),

    -- In millionths, so that weight × amount stays within 38 digits; a team with net credits weighs nothing.
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

    weighed as (
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
            weighed.*,
            sum(weight) over (partition by pool_owner_id, billing_month, billing_currency) as all_weight
        from weighed
    )

select
    pool_owner_id,
    billing_month,
    billing_currency,
    member_owner_id,
    valid_from,
    valid_to,
    -- Where nothing drives the pool in a month, it is split evenly, and the method says so.
    case when all_weight = 0 then {{ whole_number("1") }} else weight end as weight,
    case when all_weight = 0 then method || ' (no driver: even)' else method end as allocation_method
from totals
where weight > 0 or all_weight = 0

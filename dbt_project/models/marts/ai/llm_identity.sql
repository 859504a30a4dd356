-- AI cost by what is known of the identity behind its requests.
with
    costs as (
        select
            charge_period_start,
            ai_provider,
            owner_id,
            billing_currency,
            billed_cost,
            effective_cost,
            case
                telemetry_status
                when 'metered'
                then coalesce({{ json_text("claims", "identity") }}, 'unknown')
                else 'unmetered'
            end as identity_status
        from {{ ref("fact_cost") }}
        where ai_provider is not null
    )

select
    cast(charge_period_start as date) as usage_day,
    ai_provider as provider,
    owner_id,
    billing_currency,
    identity_status,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(effective_cost) as decimal(38, 12)) as effective_cost
from costs
group by cast(charge_period_start as date), ai_provider, owner_id, billing_currency, identity_status

-- What each line is billed and what it effectively costs, by its type (seed aws_line_types, after the Cloud
-- Intelligence Dashboards' summary view). Recurring and RI fees become two: the purchase, and what of it
-- was unused.
with
    lines as (select * from {{ ref("stg_aws__cost_and_usage_report") }}),

    line_types as (select * from {{ ref("aws_line_types") }}),

    -- Split-cost rows repeat what the instance's own line says.
    counted as (
        select *
        from lines
        where
            coalesce(line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
            and line_item_line_item_type <> 'SavingsPlanNegation'
    ),

    typed as (
        select
            counted.*,
            coalesce(line_types.part, '') as part,
            line_types.line_type is not null as is_known_type,
            line_types.commitment_status,
            line_types.billed_basis,
            -- An RI's upfront fee is a plain Fee that names the reservation; it is amortised over the usage.
            case
                when
                    counted.line_item_line_item_type = 'Fee'
                    and counted.reservation_reservation_a_r_n is not null
                then 'zero'
                else coalesce(line_types.effective_basis, 'unblended')
            end as effective_basis,
            coalesce(line_types.charge_category, 'Adjustment') as charge_category,
            coalesce(line_types.charge_frequency, 'One-Time') as charge_frequency,
            case
                when
                    counted.line_item_line_item_type = 'Fee'
                    and counted.reservation_reservation_a_r_n is not null
                then 'Committed'
                when line_types.line_type = 'Usage' and counted.line_item_usage_type like '%Spot%'
                then 'Dynamic'
                else line_types.pricing_category
            end as pricing_category
        from counted
        left join line_types on counted.line_item_line_item_type = line_types.line_type
    )

select
    typed.*,
    case
        when billed_basis = 'zero' then cast(0 as decimal(38, 12)) else coalesce(line_item_unblended_cost, 0)
    end as billed_cost,
    case
        effective_basis
        when 'zero'
        then cast(0 as decimal(38, 12))
        when 'reservation'
        then coalesce(reservation_effective_cost, 0)
        when 'savings_plan'
        then coalesce(savings_plan_savings_plan_effective_cost, 0)
        when 'savings_plan_unused'
        then coalesce(savings_plan_total_commitment_to_date, 0) - coalesce(savings_plan_used_commitment, 0)
        when 'reservation_unused'
        then
            coalesce(reservation_unused_amortized_upfront_fee_for_billing_period, 0)
            + coalesce(reservation_unused_recurring_fee, 0)
        else coalesce(line_item_unblended_cost, 0)
    end as effective_cost
from typed

-- Billed and effective cost of each line, by its type (seed aws_line_types, after the summary view of the
-- Cloud Intelligence Dashboards). A recurring or RI fee becomes two lines: the purchase and the unused
-- part. Billed cost is the invoice's. Effective cost is net of discounts where the payer's month is net
-- (docs/decisions/0007-net-or-gross.md).
with
    lines as (select * from {{ ref("stg_aws__cost_and_usage_report") }}),

    line_types as (select * from {{ ref("aws_line_types") }}),

    bases as (select * from {{ ref("int_aws_payer_months__cost_basis") }}),

    -- Split-cost rows repeat the cost of the instance's own line.
    counted as (
        select *
        from lines
        where
            coalesce(line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
            and coalesce(line_item_line_item_type, '') <> 'SavingsPlanNegation'
    ),

    typed as (
        select
            counted.*,
            coalesce(bases.is_net, false) as is_net,
            coalesce(line_types.part, '') as part,
            line_types.line_type is not null as is_known_type,
            line_types.commitment_status,
            line_types.billed_basis,
            case
                -- The upfront fee of an RI is a Fee with the reservation's ARN; it is amortised over the
                -- usage.
                when
                    counted.line_item_line_item_type = 'Fee'
                    and counted.reservation_reservation_a_r_n is not null
                then 'zero'
                -- The upfront fee was never in the effective cost of its month, so neither is its refund.
                -- Other refunds of Savings Plans (of discounts, for example) are; only the description
                -- distinguishes them.
                when
                    counted.line_item_line_item_type = 'Refund'
                    and counted.line_item_product_code like '%SavingsPlans'
                    and counted.line_item_line_item_description
                    like 'Refund for one-time fee for Savings Plan ID%'
                then 'zero'
                else coalesce(line_types.effective_basis, 'unblended')
            end as effective_basis,
            -- The net costs of the other lines contain a discount whatever its type, also one that the seed
            -- does not have.
            coalesce(
                line_types.net_basis,
                case when counted.line_item_line_item_type like '%Discount' then 'folded' else 'net' end
            ) as net_basis,
            -- FOCUS wants a credit's effective cost to equal its billed cost. That of a folded discount is
            -- in other lines, so it is an adjustment.
            case
                when bases.is_net and line_types.net_basis = 'folded'
                then 'Adjustment'
                else coalesce(line_types.charge_category, 'Adjustment')
            end as charge_category,
            coalesce(line_types.charge_frequency, 'One-Time') as charge_frequency,
            case
                when
                    counted.line_item_line_item_type = 'Fee'
                    and counted.reservation_reservation_a_r_n is not null
                then 'Committed'
                when line_types.line_type = 'Usage' and counted.line_item_usage_type like '%Spot%'
                then 'Dynamic'
                else nullif(line_types.pricing_category, '')
            end as pricing_category
        from counted
        left join line_types on counted.line_item_line_item_type = line_types.line_type
        left join
            bases
            on counted.billing_month = bases.billing_month
            and coalesce(counted.bill_payer_account_id, '') = coalesce(bases.bill_payer_account_id, '')
    ),

    before_discounts as (
        select
            typed.*,
            case
                when billed_basis = 'zero'
                then cast(0 as decimal(38, 12))
                else coalesce(line_item_unblended_cost, 0)
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
                then
                    coalesce(savings_plan_total_commitment_to_date, 0)
                    - coalesce(savings_plan_used_commitment, 0)
                when 'reservation_unused'
                then
                    coalesce(reservation_unused_amortized_upfront_fee_for_billing_period, 0)
                    + coalesce(reservation_unused_recurring_fee, 0)
                else coalesce(line_item_unblended_cost, 0)
            end as gross_effective_cost
        from typed
    )

select
    before_discounts.*,
    case
        when not is_net or net_basis = 'gross' or effective_basis = 'zero'
        then gross_effective_cost
        -- The net costs of the other lines contain it.
        when net_basis = 'folded'
        then cast(0 as decimal(38, 12))
        when effective_basis = 'reservation'
        then coalesce(reservation_net_effective_cost, gross_effective_cost)
        when effective_basis = 'savings_plan'
        then coalesce(savings_plan_net_savings_plan_effective_cost, gross_effective_cost)
        when effective_basis = 'reservation_unused'
        then
            coalesce(
                reservation_net_unused_amortized_upfront_fee_for_billing_period,
                reservation_unused_amortized_upfront_fee_for_billing_period,
                0
            )
            + coalesce(reservation_net_unused_recurring_fee, reservation_unused_recurring_fee, 0)
        when effective_basis = 'savings_plan_unused' and line_item_unblended_cost >= 0.000001
        then
            {{ net_share("gross_effective_cost", "line_item_net_unblended_cost", "line_item_unblended_cost") }}
        when effective_basis = 'savings_plan_unused'
        then gross_effective_cost
        else coalesce(line_item_net_unblended_cost, gross_effective_cost)
    end as effective_cost,
    -- CUR has no contracted cost. It is the on-demand cost less the line's discounts.
    case
        when part <> '' or charge_category <> 'Usage' or effective_basis = 'reservation'
        then cast(null as decimal(38, 12))
        when effective_basis = 'savings_plan'
        then line_item_unblended_cost
        when is_net
        then coalesce(line_item_net_unblended_cost, line_item_unblended_cost)
        else line_item_unblended_cost - abs(coalesce(discount_total_discount, 0))
    end as derived_contracted_cost
from before_discounts

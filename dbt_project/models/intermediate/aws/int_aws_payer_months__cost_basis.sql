{{ built_by_period("charges_fingerprint") }}

-- Whether the costs of a payer's month are after discounts (net) or before them. It is decided for the
-- whole month, never by row.
with lines as (select * from {{ aws_lines_to_build(ref("stg_aws__cost_and_usage_report")) }} as current_lines)

select
    lines.source,
    lines.billing_month,
    lines.bill_payer_account_id,
    max(
        case
            when
                coalesce(
                    lines.line_item_net_unblended_cost,
                    lines.savings_plan_net_savings_plan_effective_cost,
                    lines.reservation_net_effective_cost,
                    lines.reservation_net_unused_amortized_upfront_fee_for_billing_period,
                    lines.reservation_net_unused_recurring_fee
                )
                is null
            then 0
            else 1
        end
    )
    = 1 as is_net,
    lines.charges_fingerprint
from lines
group by lines.source, lines.billing_month, lines.bill_payer_account_id, lines.charges_fingerprint

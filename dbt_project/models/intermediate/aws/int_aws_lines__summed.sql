{{ built_by_period("charges_fingerprint") }}

-- Sums of a payer's lines by type, billing month and currency. The checks of a month's totals and of its
-- line types read these sums instead of the lines.
with lines as (select * from {{ aws_lines_to_build(ref("int_aws_lines__amortised")) }} as current_lines)

select
    source,
    billing_month,
    bill_payer_account_id,
    line_item_currency_code,
    is_net,
    line_item_line_item_type,
    is_known_type,
    count(*) as line_count,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
    cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
    cast(sum(gross_effective_cost) as decimal(38, 12)) as gross_effective_cost,
    cast(
        sum(
            case
                when part <> 'purchase'
                then 0
                when line_item_line_item_type = 'SavingsPlanRecurringFee'
                then - coalesce(savings_plan_amortized_upfront_commitment_for_billing_period, 0)
                else - coalesce(reservation_amortized_upfront_fee_for_billing_period, 0)
            end
        ) as decimal(38, 12)
    ) as true_up,
    cast(
        sum(case when part = '' and effective_basis = 'zero' then billed_cost else 0 end) as decimal(38, 12)
    ) as upfront_fees,
    charges_fingerprint
from lines
group by
    source,
    billing_month,
    bill_payer_account_id,
    line_item_currency_code,
    is_net,
    line_item_line_item_type,
    is_known_type,
    charges_fingerprint

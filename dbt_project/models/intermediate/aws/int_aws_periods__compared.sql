{{
    config(
        materialized="incremental",
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook="{{ drop_stale_periods('charges_fingerprint') }}",
    )
}}

-- The identities of amortised cost, a payer, month and currency at a time: what was paid ahead or later
-- apart,
-- amortised cost is the invoice; and net cost is gross cost with its discounts.
with
    lines as (select * from {{ aws_lines_to_build(ref("int_aws_lines__amortised")) }} as current_lines),

    totals as (
        select
            lines.source,
            lines.billing_month,
            lines.bill_payer_account_id,
            coalesce(lines.line_item_currency_code, 'USD') as billing_currency,
            lines.is_net,
            cast(sum(lines.billed_cost) as decimal(38, 12)) as billed_cost,
            cast(sum(lines.effective_cost) as decimal(38, 12)) as effective_cost,
            cast(sum(lines.gross_effective_cost) as decimal(38, 12)) as gross_effective_cost,
            cast(
                sum(
                    case
                        when lines.part <> 'purchase'
                        then 0
                        when lines.line_item_line_item_type = 'SavingsPlanRecurringFee'
                        then - coalesce(lines.savings_plan_amortized_upfront_commitment_for_billing_period, 0)
                        else - coalesce(lines.reservation_amortized_upfront_fee_for_billing_period, 0)
                    end
                ) as decimal(38, 12)
            ) as true_up,
            cast(
                sum(
                    case
                        when lines.part = '' and lines.effective_basis = 'zero' then lines.billed_cost else 0
                    end
                ) as decimal(38, 12)
            ) as upfront_fees,
            lines.charges_fingerprint
        from lines
        group by
            lines.source,
            lines.billing_month,
            lines.bill_payer_account_id,
            coalesce(lines.line_item_currency_code, 'USD'),
            lines.is_net,
            lines.charges_fingerprint
    )

select
    source,
    billing_month,
    bill_payer_account_id,
    billing_currency,
    is_net,
    billed_cost,
    effective_cost,
    gross_effective_cost,
    true_up,
    upfront_fees,
    cast(
        billed_cost - gross_effective_cost - true_up - upfront_fees as decimal(38, 12)
    ) as amortised_difference,
    cast(effective_cost - gross_effective_cost as decimal(38, 12)) as net_difference,
    charges_fingerprint
from totals

-- Covered usage is billed 0 and its negation is dropped: they net out. Where they don't, the rest is a
-- charge.
with
    lines as (select * from {{ ref("stg_aws__cost_and_usage_report") }}),

    netted as (
        select
            slice_id,
            load_id,
            billing_month,
            savings_plan_savings_plan_a_r_n,
            line_item_currency_code,
            bill_payer_account_id,
            max(bill_payer_account_name) as bill_payer_account_name,
            max(bill_billing_period_start_date) as bill_billing_period_start_date,
            max(bill_billing_period_end_date) as bill_billing_period_end_date,
            sum(coalesce(line_item_unblended_cost, 0)) as residual
        from lines
        where
            line_item_line_item_type in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
            and coalesce(line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
        group by
            slice_id,
            load_id,
            billing_month,
            savings_plan_savings_plan_a_r_n,
            line_item_currency_code,
            bill_payer_account_id
    )

select *
from netted
where residual <> 0

{{ built_by_period("charges_fingerprint") }}

-- Covered usage is billed 0 and its negation is left out, because the two net to zero. Where they do not, the
-- residual is a charge. AWS puts a negation into the account of the usage that it takes back: so each account
-- is netted for itself.
with
    lines as (select * from {{ aws_lines_to_build(ref("stg_aws__cost_and_usage_report")) }} as current_lines),

    netted as (
        select
            source,
            billing_month,
            charges_fingerprint,
            slice_id,
            load_id,
            savings_plan_savings_plan_a_r_n,
            line_item_currency_code,
            bill_payer_account_id,
            line_item_usage_account_id,
            max(line_item_usage_account_name) as line_item_usage_account_name,
            max(bill_payer_account_name) as bill_payer_account_name,
            max(bill_billing_period_start_date) as bill_billing_period_start_date,
            max(bill_billing_period_end_date) as bill_billing_period_end_date,
            sum(coalesce(line_item_unblended_cost, 0)) as residual
        from lines
        where
            line_item_line_item_type in ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
            and coalesce(line_item_operation, '') not in ('EKSPod-EC2', 'ECSTask-EC2')
        group by
            source,
            billing_month,
            charges_fingerprint,
            slice_id,
            load_id,
            savings_plan_savings_plan_a_r_n,
            line_item_currency_code,
            bill_payer_account_id,
            line_item_usage_account_id
    )

select
    source,
    billing_month,
    charges_fingerprint,
    slice_id,
    load_id,
    savings_plan_savings_plan_a_r_n,
    line_item_currency_code,
    bill_payer_account_id,
    bill_payer_account_name,
    bill_billing_period_start_date,
    bill_billing_period_end_date,
    line_item_usage_account_id,
    line_item_usage_account_name,
    cast(residual as decimal(38, 12)) as residual
from netted
where residual <> 0

union all

-- Marks the month as built, so that an empty one is not read again.
select
    source,
    billing_month,
    charges_fingerprint,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
    null
from {{ periods_to_build("charges_fingerprint") }} as processed
where source = 'aws'

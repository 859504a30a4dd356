-- Sums of an export that is only compared, beside the ledger's sums of the same bill.
with
    exports as (select * from {{ ref("int_focus_charges__normalised") }} where is_compare_only),

    accounts as (select distinct export_name, billing_account_id, billing_month from exports),

    ledger as (select * from {{ ref("fact_cost") }}),

    sides as (
        select
            export_name,
            billing_account_id,
            billing_month,
            charge_category,
            billing_currency,
            billed_cost as focus_billed,
            effective_cost as focus_effective,
            0 as ledger_billed,
            0 as ledger_effective
        from exports

        union all

        select
            accounts.export_name,
            ledger.billing_account_id,
            ledger.billing_month,
            ledger.charge_category,
            ledger.billing_currency,
            0,
            0,
            ledger.billed_cost,
            ledger.effective_cost
        from ledger
        inner join
            accounts
            on ledger.billing_account_id = accounts.billing_account_id
            and ledger.billing_month = accounts.billing_month
    ),

    totals as (
        select
            export_name,
            billing_account_id,
            billing_month,
            charge_category,
            billing_currency,
            cast(sum(focus_billed) as decimal(38, 12)) as focus_billed_cost,
            cast(sum(ledger_billed) as decimal(38, 12)) as ledger_billed_cost,
            cast(sum(focus_effective) as decimal(38, 12)) as focus_effective_cost,
            cast(sum(ledger_effective) as decimal(38, 12)) as ledger_effective_cost
        from sides
        group by export_name, billing_account_id, billing_month, charge_category, billing_currency
    )

select
    export_name,
    billing_account_id,
    billing_month,
    charge_category,
    billing_currency,
    focus_billed_cost,
    ledger_billed_cost,
    cast(focus_billed_cost - ledger_billed_cost as decimal(38, 12)) as billed_difference,
    focus_effective_cost,
    ledger_effective_cost,
    cast(focus_effective_cost - ledger_effective_cost as decimal(38, 12)) as effective_difference
from totals

with
    costs as (select * from {{ ref("fact_cost") }}),

    named as (
        select
            source,
            billing_account_id,
            billing_account_name,
            billing_account_type,
            invoice_issuer_name,
            charge_period_start,
            row_number() over (
                partition by source, billing_account_id order by charge_period_start desc, charge_key
            ) as place
        from costs
    ),

    spans as (
        select
            source,
            billing_account_id,
            min(billing_month) as first_billing_month,
            max(billing_month) as last_billing_month
        from costs
        group by source, billing_account_id
    )

select
    named.source,
    named.billing_account_id,
    named.billing_account_name,
    named.billing_account_type,
    named.invoice_issuer_name,
    spans.first_billing_month,
    spans.last_billing_month
from named
inner join spans on named.source = spans.source and named.billing_account_id = spans.billing_account_id
where named.place = 1

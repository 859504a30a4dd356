with
    -- One pass over the ledger; what is left is small.
    costs as (
        select
            source,
            billing_account_id,
            billing_account_name,
            billing_account_type,
            -- The Marketplace's sellers issue within AWS's bill.
            case when source = 'aws' then 'AWS' else invoice_issuer_name end as invoice_issuer_name,
            max(charge_period_start) as last_charge_start,
            min(billing_month) as first_billing_month,
            max(billing_month) as last_billing_month
        from {{ ref("fact_cost") }}
        group by
            source,
            billing_account_id,
            billing_account_name,
            billing_account_type,
            case when source = 'aws' then 'AWS' else invoice_issuer_name end
    ),

    named as (
        select
            costs.*,
            row_number() over (
                partition by source, billing_account_id
                order by
                    last_charge_start desc, billing_account_name, billing_account_type, invoice_issuer_name
            ) as recency_rank,
            min(first_billing_month) over (partition by source, billing_account_id) as first_month,
            max(last_billing_month) over (partition by source, billing_account_id) as last_month
        from costs
    )

select
    source,
    billing_account_id,
    billing_account_name,
    billing_account_type,
    invoice_issuer_name,
    first_month as first_billing_month,
    last_month as last_billing_month
from named
where recency_rank = 1

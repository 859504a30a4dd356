with delivered as (select * from {{ lake_table("raw_atlas", "invoices") }})

select
    invoice_id,
    nullif(org_id, '') as org_id,
    nullif(status, '') as invoice_status,
    {{ utc_timestamp("start_date") }} as invoice_start,
    {{ utc_timestamp("end_date") }} as invoice_end,
    subtotal,
    credits,
    sales_tax,
    amount_billed,
    amount_paid,
    starting_balance,
    currency,
    linked_to,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

with delivered as (select * from {{ lake_table("raw_atlas", "invoices") }})

select
    invoice_id,
    org_id,
    status,
    {{ utc_timestamp("start_date") }} as start_date,
    {{ utc_timestamp("end_date") }} as end_date,
    {{ utc_timestamp("created") }} as created,
    {{ utc_timestamp("updated") }} as updated,
    subtotal,
    credits,
    sales_tax,
    amount_billed,
    amount_paid,
    currency,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

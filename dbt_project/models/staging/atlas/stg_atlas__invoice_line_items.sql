-- A text that Atlas leaves empty is an absent one.
with delivered as (select * from {{ lake_table("raw_atlas", "invoice_line_items") }})

select
    invoice_id,
    nullif(org_id, '') as org_id,
    nullif(invoice_status, '') as invoice_status,
    {{ utc_timestamp("invoice_start") }} as invoice_start,
    {{ utc_timestamp("invoice_end") }} as invoice_end,
    kind,
    line_number,
    nullif(sku, '') as sku,
    nullif(group_id, '') as group_id,
    nullif(group_name, '') as group_name,
    nullif(cluster_name, '') as cluster_name,
    nullif(cloud_provider, '') as cloud_provider,
    {{ utc_timestamp("start_date") }} as start_date,
    {{ utc_timestamp("end_date") }} as end_date,
    {{ utc_timestamp("created") }} as created,
    quantity,
    nullif(unit, '') as unit,
    unit_price,
    total_price,
    discount,
    percent_discount,
    nullif(note, '') as note,
    currency,
    tags,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

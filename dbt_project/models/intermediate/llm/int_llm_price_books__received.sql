{{ config(materialized="table", meta={"refresh": "always"}) }}

-- The price book in force at each refresh. on-run-start reads the delivery notes.
with delivery_notes as (select * from {{ lake_schema() }}.delivery_notes where dataset = 'raw_prices')

select substr(slice_id, 6) as price_book_version, {{ utc_timestamp("extracted_at") }} as received_at
from delivery_notes
where slice_id like 'book|%' and state in ('delivered', 'unchanged')

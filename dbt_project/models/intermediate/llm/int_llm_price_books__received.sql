{{ config(materialized="table", meta={"refresh": "always"}) }}

-- depends on the run's reading of the delivery notes (on-run-start): which price book was in force at which
-- refresh
with delivery_notes as (select * from {{ lake_schema() }}.delivery_notes where dataset = 'raw_prices')

select substr(slice_id, 6) as price_book_version, {{ utc_timestamp("extracted_at") }} as received_at
from delivery_notes
where slice_id like 'book|%' and state in ('delivered', 'unchanged')

with delivered as (select * from {{ lake_table("raw_prices", "price_books") }})

select price_book_version, library_version, override_count, price_count, slice_id, delivery_load_id as load_id
from delivered

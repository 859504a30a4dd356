-- What a month's requests and estimates are made of beside its deliveries: the price book, and how far the
-- bills of the month before reach (a request of its last hour may be logged in this month).
with
    price_books as (select * from {{ ref("int_llm_price_books__assigned") }}),

    bills as (select * from {{ ref("int_llm_billing__watermarked") }})

select
    '{{ estimating_source() }}' as source,
    billing_month,
    'requests' as stage,
    'price book' as input,
    price_book_version as version
from price_books

union all

select
    '{{ estimating_source() }}',
    {{ month_text("cast(billing_month || '-01' as timestamp) + interval '1' month") }},
    'ledger',
    'bill of ' || biller,
    cast(billing_watermark as string)
from bills

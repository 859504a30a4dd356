-- The price book of a month: the one in force when the month closed (two months after its start), or on the
-- day that the registry names; the first book for months that closed before it.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    received as (select * from {{ ref("int_llm_price_books__received") }}),

    repriced as (select * from {{ ref("stg_registry__repriced_months") }}),

    months as (select distinct billing_month from slices where billing_month is not null),

    closed as (
        select
            months.billing_month,
            repriced.as_of as repriced_as_of,
            coalesce(
                cast(repriced.as_of as timestamp) + interval '1' day,
                cast(months.billing_month || '-01' as timestamp) + interval '2' month
            ) as closed_at
        from months
        left join repriced on months.billing_month = repriced.billing_month
    ),

    newest as (
        select
            price_book_version,
            row_number() over (order by received_at desc, price_book_version) as recency_rank
        from received
    ),

    ranked as (
        select
            closed.billing_month,
            closed.repriced_as_of,
            received.price_book_version,
            newest.price_book_version as newest_price_book_version,
            row_number() over (
                partition by closed.billing_month
                order by
                    case when received.received_at < closed.closed_at then 0 else 1 end,
                    case when received.received_at < closed.closed_at then received.received_at end desc,
                    received.received_at,
                    received.price_book_version
            ) as choice_rank
        from closed
        cross join received
        inner join newest on newest.recency_rank = 1
    )

select billing_month, price_book_version, newest_price_book_version, repriced_as_of
from ranked
where choice_rank = 1

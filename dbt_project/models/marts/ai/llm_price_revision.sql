-- A closed month keeps the price book that it closed with; its cost at the newest book stands beside it.
with
    assigned as (select * from {{ ref("int_llm_price_books__assigned") }}),

    priced as (
        select
            billing_month,
            count(*) as request_count,
            sum(case when pricing_status = 'priced' then 1 else 0 end) as priced_count,
            cast(sum(computed_list_cost) as decimal(38, 12)) as computed_list_cost
        from {{ ref("fact_llm_request") }}
        group by billing_month
    ),

    repriced as (
        select
            billing_month,
            sum(case when pricing_status = 'priced' then 1 else 0 end) as priced_count,
            cast(sum(computed_list_cost) as decimal(38, 12)) as computed_list_cost
        from {{ ref("int_llm_requests__priced") }}
        where not is_assigned_book
        group by billing_month
    ),

    compared as (
        select
            priced.*,
            assigned.price_book_version,
            assigned.newest_price_book_version,
            assigned.repriced_as_of,
            assigned.price_book_version <> assigned.newest_price_book_version as is_superseded,
            repriced.priced_count as repriced_count,
            repriced.computed_list_cost as repriced_cost
        from priced
        inner join assigned on priced.billing_month = assigned.billing_month
        left join repriced on priced.billing_month = repriced.billing_month
    )

select
    billing_month,
    price_book_version,
    newest_price_book_version,
    is_superseded,
    repriced_as_of,
    cast(request_count as bigint) as request_count,
    cast(priced_count as bigint) as priced_count,
    cast(case when is_superseded then repriced_count else priced_count end as bigint) as newest_priced_count,
    computed_list_cost,
    case when is_superseded then repriced_cost else computed_list_cost end as newest_list_cost,
    cast(
        coalesce(case when is_superseded then repriced_cost else computed_list_cost end, 0)
        - coalesce(computed_list_cost, 0) as decimal(38, 12)
    ) as difference
from compared

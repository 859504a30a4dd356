-- The model of each price book that requests mean by a name. A superseded book learns no new names: a late
-- request of a closed month for a model first used later takes the newest book's model at its own month's
-- price.
with
    aliases as (select * from {{ ref("stg_prices__model_aliases") }}),

    received as (
        select price_book_version, max(received_at) as received_at
        from {{ ref("int_llm_price_books__received") }}
        group by price_book_version
    ),

    ranked as (
        select
            aliases.*,
            row_number() over (
                partition by aliases.provider, aliases.raw_model
                order by received.received_at desc, aliases.price_book_version
            ) as recency_rank
        from aliases
        inner join received on aliases.price_book_version = received.price_book_version
    ),

    newest as (select * from ranked where recency_rank = 1)

select
    received.price_book_version,
    newest.provider,
    newest.raw_model,
    case
        when aliases.raw_model is null then newest.price_provider else aliases.price_provider
    end as price_provider,
    case
        when aliases.raw_model is null then newest.price_model_id else aliases.price_model_id
    end as price_model_id
from received
cross join newest
left join
    aliases
    on received.price_book_version = aliases.price_book_version
    and newest.provider = aliases.provider
    and newest.raw_model = aliases.raw_model

-- A provider has several names in requests and one here. Of aliases that become equal, one with a price
-- counts.
with
    delivered as (select * from {{ lake_table("raw_prices", "model_aliases") }}),

    named as (
        select
            price_book_version,
            {{ canonical_provider("provider") }} as provider,
            raw_model,
            price_provider,
            price_model_id,
            resolved_by,
            slice_id,
            delivery_load_id as load_id,
            row_number() over (
                partition by price_book_version, {{ canonical_provider("provider") }}, raw_model
                order by case when price_model_id is null then 1 else 0 end, provider
            ) as preference_rank
        from delivered
    )

select price_book_version, provider, raw_model, price_provider, price_model_id, resolved_by, slice_id, load_id
from named
where preference_rank = 1

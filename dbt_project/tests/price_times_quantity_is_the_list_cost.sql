-- FOCUS: ListCost = ListUnitPrice × PricingQuantity, within 10^-9 of the cost (or of 1). A product in
-- binary, right to some 10^-15, clears nearly all rows; the others are multiplied exactly.
with
    priced as (
        select charge_key, list_cost, list_unit_price, pricing_quantity
        from {{ ref("fact_cost") }}
        where list_unit_price is not null and pricing_quantity is not null
    ),

    suspected as (
        select *
        from priced
        where
            abs(
                cast(list_unit_price as double) * cast(pricing_quantity as double) - cast(list_cost as double)
            )
            > 0.0000000001
    )

select charge_key, list_cost, list_unit_price, pricing_quantity
from suspected
where
    abs({{ decimal_product("list_unit_price", "pricing_quantity") }} - list_cost)
    > greatest(abs(list_cost), 1) * 0.000000001

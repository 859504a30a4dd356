-- FOCUS: ListCost = ListUnitPrice × PricingQuantity, within 10^-9 of the cost (or of 1).
select charge_key, list_cost, list_unit_price, pricing_quantity
from {{ ref("fact_cost") }}
where
    list_unit_price is not null
    and pricing_quantity is not null
    and abs({{ decimal_product("list_unit_price", "pricing_quantity") }} - list_cost)
    > greatest(abs(list_cost), 1) * 0.000000001

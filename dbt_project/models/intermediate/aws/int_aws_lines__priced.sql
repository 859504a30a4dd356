-- A line with its quantity, its list and contracted cost, and the unit prices that make these costs. CUR
-- states an on-demand cost and rate for usage only: the rest is listed at what it costs.
with
    lines as (
        select
            keyed.*,
            charge_category in ('Usage', 'Purchase') as is_priced,
            charge_category = 'Usage' and part = '' as is_measured
        from {{ ref("int_aws_lines__keyed") }} as keyed
    ),

    listed as (
        select
            lines.*,
            case
                when is_measured
                then coalesce(pricing_public_on_demand_cost, line_item_unblended_cost, 0)
                when part = 'unused'
                then effective_cost
                else billed_cost
            end as list_cost,
            case when is_measured then line_item_usage_amount when is_priced then 1 end as quantity,
            case when is_measured then coalesce(focus_unit, 'Units') else 'Units' end as unit
        from lines
    ),

    contracted as (
        select
            listed.*,
            -- Never above the list price, whatever the derivation comes to.
            case
                when derived_contracted_cost is null
                then list_cost
                when list_cost > 0
                then least(derived_contracted_cost, list_cost)
                else derived_contracted_cost
            end as contracted_cost
        from listed
    ),

    -- AWS's own rate is the price where it makes the cost. Binary arithmetic decides that: it is exact enough
    -- and many times as fast. The price itself is AWS's own decimal.
    divided as (
        select
            contracted.*,
            case
                when not is_priced or list_cost < 0
                then null
                when
                    abs(
                        try_cast(pricing_public_on_demand_rate as double) * cast(quantity as double)
                        - cast(list_cost as double)
                    )
                    <= 0.0000000005
                then {{ amount_of_text("pricing_public_on_demand_rate") }}
                when quantity > 0
                then {{ unit_price("list_cost", "quantity") }}
            end as rounded_list_price,
            case
                when is_priced and contracted_cost >= 0 and contracted_cost <> list_cost and quantity > 0
                then {{ unit_price("contracted_cost", "quantity") }}
            end as rounded_contracted_price
        from contracted
    ),

    priced as (
        select
            divided.*,
            {{ consistent_unit_price("rounded_list_price", "quantity", "list_cost") }} as list_unit_price,
            {{ consistent_unit_price("rounded_contracted_price", "quantity", "contracted_cost") }}
            as own_contracted_unit_price
        from divided
    )

select
    priced.*,
    case
        when contracted_cost = list_cost then list_unit_price else own_contracted_unit_price
    end as contracted_unit_price
from priced

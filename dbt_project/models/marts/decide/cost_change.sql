{{ config(meta={"refresh": "always"}) }}

{%- set grain = [
    "source",
    "billing_currency",
    "compared_month",
    "owner_id",
    "service_name",
    "consumed_unit",
] -%}

-- Why a month costs more or less than the one before. Usage is what the same mix at the same prices would
-- have cost
-- for the quantity of now; price and discount are of items that both months have: by list price, and by
-- what is
-- paid of it (commitments, credits, negotiated rates). Mix is the rest: other items of the same unit. The
-- parts of a
-- row add up to its change exactly.
with
    items as (
        select items.*, earlier_cost + moved_cost as compared_cost
        from {{ ref("int_cost_changes__compared") }} as items
    ),

    priced as (
        select
            items.*,
            part = 'usage'
            and compared_cost > 0
            and compared_list_cost >= 0.000001
            and list_cost > 0
            and {{ weight_of("compared_quantity", "quantity") }} > 0
            and quantity > 0 as is_priced
        from items
    ),

    -- The list cost of now at the share of list cost that was paid before.
    restated as (
        select
            priced.*,
            case
                when is_priced
                then
                    {{
                        from_units(
                            whole_share(
                                to_units("list_cost"),
                                weight_of("compared_cost", "compared_list_cost"),
                                weight_of("compared_list_cost", "compared_cost"),
                            )
                        )
                    }}
            end as list_cost_as_paid_before,
            case
                when is_priced then {{ cost_of_quantity("compared_cost", "quantity", "compared_quantity") }}
            end as cost_at_price_before
        from priced
    ),

    grouped as (
        select
            {{ grain | join(", ") }},
            sum(cost) as cost,
            sum(earlier_cost) as earlier_cost,
            sum(moved_cost) as moved_cost,
            {% for part in ["shared", "calendar", "one-off"] %}
                sum(
                    case when part = '{{ part }}' then cost - compared_cost else 0 end
                ) as {{ part | replace("-", "_") }}_cost,
            {% endfor %}
            sum(case when part = 'usage' then cost else 0 end) as usage_now,
            cast(
                sum(case when part = 'usage' then compared_cost else 0 end) as decimal(38, 12)
            ) as usage_before,
            cast(sum(case when part = 'usage' then quantity else 0 end) as decimal(38, 12)) as quantity,
            cast(
                sum(case when part = 'usage' then compared_quantity else 0 end) as decimal(38, 12)
            ) as compared_quantity,
            coalesce(sum(list_cost_as_paid_before - cost_at_price_before), 0) as price_cost,
            coalesce(sum(case when is_priced then cost - list_cost_as_paid_before end), 0) as discount_cost
        from restated
        group by {{ grain | join(", ") }}
    ),

    split as (
        select
            grouped.*,
            usage_before = 0 and compared_quantity = 0 as is_new,
            usage_now = 0 and quantity = 0 as is_gone,
            case
                when
                    {{ weight_of("compared_quantity", "quantity") }} > 0
                    and usage_before > 0
                    and quantity >= 0
                then {{ cost_of_quantity("usage_before", "quantity", "compared_quantity") }} - usage_before
                else usage_now - usage_before
            end as volume_cost
        from grouped
    ),

    parts as (
        select
            split.*,
            case when is_new then usage_now else 0 end as new_cost,
            case when is_gone and not is_new then - usage_before else 0 end as gone_cost,
            case when is_new or is_gone then 0 else volume_cost end as usage_cost,
            {% for part in ["price", "discount"] %}
                case
                    when is_new or is_gone or compared_quantity = 0 then 0 else {{ part }}_cost
                end as own_{{ part }}_cost,
            {% endfor %}
            usage_now - usage_before as usage_change
        from split
    )

select
    owner_id,
    source,
    service_name,
    consumed_unit,
    billing_currency,
    {{ month_text("compared_month") }} as billing_month,
    cast(earlier_cost as decimal(38, 12)) as earlier_cost,
    cast(cost as decimal(38, 12)) as cost,
    cast(cost - earlier_cost as decimal(38, 12)) as change_cost,
    cast(moved_cost as decimal(38, 12)) as moved_cost,
    cast(new_cost as decimal(38, 12)) as new_cost,
    cast(gone_cost as decimal(38, 12)) as gone_cost,
    cast(usage_cost as decimal(38, 12)) as usage_cost,
    cast(own_price_cost as decimal(38, 12)) as price_cost,
    cast(own_discount_cost as decimal(38, 12)) as discount_cost,
    cast(
        usage_change
        - new_cost
        - gone_cost
        - usage_cost
        - own_price_cost
        - own_discount_cost as decimal(38, 12)
    ) as mix_cost,
    cast(shared_cost as decimal(38, 12)) as shared_cost,
    cast(calendar_cost as decimal(38, 12)) as calendar_cost,
    cast(one_off_cost as decimal(38, 12)) as one_off_cost
from parts
where cost <> 0 or earlier_cost <> 0 or moved_cost <> 0

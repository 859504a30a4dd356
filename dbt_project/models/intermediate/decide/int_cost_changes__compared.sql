{{ config(materialized="table", meta={"refresh": "always"}) }}

{%- set place = ["source", "billing_currency", "service_name", "compared_month"] -%}
{%- set item = place + ["owner_id", "thing", "item", "consumed_unit", "part"] -%}
{%- set amounts = ["cost", "list_cost", "quantity"] -%}

-- What each month costs beside the month before, by owner and item: a meter, for AI with its model. Of the
-- newest
-- month the days up to the newest complete one of the source count, and the same days of the month before. A
-- resource or workflow that had one owner then and another one now is set beside its own cost of then: what
-- it
-- had cost is `moved`.
with
    sources as (
        select source, cast(cast(max(newest_charge_at) as date) - interval '1' day as date) as as_of_day
        from {{ ref("source_freshness") }}
        where newest_charge_at is not null
        group by source
    ),

    daily as (
        select
            daily.source,
            daily.billing_currency,
            coalesce(daily.service_name, 'unknown') as service_name,
            daily.owner_id,
            coalesce(daily.workflow_id, daily.resource_id) as thing,
            concat_ws(' ', daily.model_id, daily.sku_meter) as item,
            daily.consumed_unit,
            case when daily.pool_owner_id is not null then 'shared' else daily.cost_pattern end as part,
            daily.cost_day,
            cast(date_trunc('month', daily.cost_day) as date) as cost_month,
            cast(date_trunc('month', sources.as_of_day) as date) as newest_month,
            sources.as_of_day,
            daily.effective_cost as cost,
            daily.list_cost,
            daily.consumed_quantity as quantity
        from {{ ref("int_cost_daily__detailed") }} as daily
        inner join sources on daily.source = sources.source
        where
            daily.cost_day <= sources.as_of_day
            and daily.cost_day > sources.as_of_day - interval '{{ var("anomaly_days") }}' day
    ),

    firsts as (
        select source, billing_currency, min(cost_month) as first_month
        from daily
        group by source, billing_currency
    ),

    months as (
        select daily.*, cost_month as compared_month, true as is_this_month
        from daily

        union all

        select daily.*, cast(cost_month + interval '1' month as date), false
        from daily
        where
            cost_month < newest_month
            and (
                cast(cost_month + interval '1' month as date) < newest_month
                or extract(day from cost_day) <= extract(day from as_of_day)
                or as_of_day = last_day(as_of_day)
            )
    ),

    summed as (
        select
            {% for column in item %} months.{{ column }}, {% endfor %}
            {% for amount in amounts %}
                cast(
                    sum(case when is_this_month then {{ amount }} else 0 end) as decimal(38, 12)
                ) as {{ amount }},
                cast(
                    sum(case when is_this_month then 0 else {{ amount }} end) as decimal(38, 12)
                ) as earlier_{{ amount }},
            {% endfor %}
            count(case when is_this_month then 1 end) > 0 as is_now,
            count(case when not is_this_month then 1 end) > 0 as was_before
        from months
        inner join
            firsts
            on months.source = firsts.source
            and months.billing_currency = firsts.billing_currency
            and months.compared_month > firsts.first_month
        group by {% for column in item %} months.{{ column }} {{- ", " if not loop.last }} {% endfor %}
    ),

    owned_days as (
        select
            {{ place | join(", ") }},
            thing,
            cost_day,
            min(owner_id) as owner_id,
            max(owner_id) as other_owner_id
        from months
        where part = 'usage' and thing is not null
        group by {{ place | join(", ") }}, thing, cost_day
    ),

    moving as (
        select {{ place | join(", ") }}, thing
        from owned_days
        group by {{ place | join(", ") }}, thing
        having
            max(case when owner_id <> other_owner_id then 1 else 0 end) = 0 and min(owner_id) <> max(owner_id)
    ),

    owners_now as (
        select
            {% for column in place %} summed.{{ column }}, {% endfor %}
            summed.thing,
            summed.owner_id,
            {{ to_units("sum(summed.cost)") }} as weight
        from summed
        inner join
            moving
            on {% for column in place %}
                summed.{{ column }} = moving.{{ column }} and
            {% endfor %} summed.thing
            = moving.thing
        where summed.part = 'usage'
        group by {% for column in place %} summed.{{ column }}, {% endfor %} summed.thing, summed.owner_id
        having sum(summed.cost) > 0
    ),

    weighed as (
        select
            owners_now.*,
            {{ running_weight("weight", place | join(", ") ~ ", thing", "owner_id") }} as cumulative_weight,
            sum(weight) over (partition by {{ place | join(", ") }}, thing) as total_weight
        from owners_now
    ),

    moved_things as (
        select {{ place | join(", ") }}, thing from weighed group by {{ place | join(", ") }}, thing
    ),

    marked as (
        select summed.*, moved_things.thing is not null as is_moved
        from summed
        left join
            moved_things
            on {% for column in place %}
                summed.{{ column }} = moved_things.{{ column }} and {% endfor %} case
                when summed.part = 'usage'
                then summed.thing
            end
            = moved_things.thing
    ),

    restated as (
        select
            {{ place | join(", ") }},
            owner_id,
            item,
            consumed_unit,
            part,
            cost,
            list_cost,
            quantity,
            earlier_cost,
            case when is_moved then - earlier_cost else 0 end as moved_cost,
            case when is_moved then 0 else earlier_list_cost end as compared_list_cost,
            case when is_moved then 0 else earlier_quantity end as compared_quantity
        from marked

        union all

        select
            {% for column in place %} marked.{{ column }}, {% endfor %}
            weighed.owner_id,
            marked.item,
            marked.consumed_unit,
            marked.part,
            0,
            0,
            0,
            0,
            {% for amount in ["earlier_cost", "earlier_list_cost"] %}
                {{
                    exact_share(
                        "marked." ~ amount,
                        "weighed.cumulative_weight - weighed.weight",
                        "weighed.cumulative_weight",
                        "weighed.total_weight",
                    )
                }},
            {% endfor %}
            {{
                exact_share_of_quantity(
                    "marked.earlier_quantity",
                    "weighed.cumulative_weight - weighed.weight",
                    "weighed.cumulative_weight",
                    "weighed.total_weight",
                )
            }}
        from marked
        inner join
            weighed
            on {% for column in place %}
                marked.{{ column }} = weighed.{{ column }} and
            {% endfor %} marked.thing
            = weighed.thing
        where marked.is_moved and marked.earlier_cost <> 0
    )

select
    {{ place | join(", ") }},
    owner_id,
    item,
    consumed_unit,
    part,
    cast(sum(cost) as decimal(38, 12)) as cost,
    cast(sum(list_cost) as decimal(38, 12)) as list_cost,
    cast(sum(quantity) as decimal(38, 12)) as quantity,
    cast(sum(earlier_cost) as decimal(38, 12)) as earlier_cost,
    cast(sum(moved_cost) as decimal(38, 12)) as moved_cost,
    cast(sum(compared_list_cost) as decimal(38, 12)) as compared_list_cost,
    cast(sum(compared_quantity) as decimal(38, 12)) as compared_quantity
from restated
group by {{ place | join(", ") }}, owner_id, item, consumed_unit, part

{{ config(materialized="table") }}

-- Each slice's newest delivery beside the one before and beside what the vendor itself states that it comes
-- to. A table, because only staging views name files of the lake.
with
    {% for dataset in money_datasets() %}
        {{ dataset }} as (select * from {{ lake_totals(dataset) }}){{ "," }}
    {% endfor %}

    totals as (
        {% for dataset in money_datasets() %}
            select '{{ dataset }}' as dataset, slice_id, load_id, measure, currency, amount
            from {{ dataset }}
            where measure in ('billed_cost', 'stated_billed_cost')
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    -- A note that says unchanged repeats the delivery before it.
    deliveries as (
        select
            dataset,
            slice_id,
            load_id,
            billing_period as billing_month,
            row_count,
            {{ utc_timestamp("extracted_at") }} as extracted_at,
            {{ utc_timestamp("window_end") }} as window_end,
            row_number() over (
                partition by dataset, slice_id order by {{ newest_note_first() }}
            ) as recency_rank
        from {{ lake_schema() }}.delivery_notes
        where state in ('delivered', 'empty') and billing_period is not null
    ),

    pairs as (
        select newest.*, before.load_id as previous_load_id, before.row_count as previous_row_count
        from deliveries as newest
        left join
            deliveries as before
            on newest.dataset = before.dataset
            and newest.slice_id = before.slice_id
            and before.recency_rank = 2
        where newest.recency_rank = 1
    ),

    -- The totals of both deliveries of a pair, by an inner join: an outer one with a choice of loads would
    -- compare each pair with each total.
    compared as (
        select
            pairs.dataset,
            pairs.slice_id,
            pairs.load_id,
            totals.load_id as total_load_id,
            totals.measure,
            totals.currency,
            totals.amount
        from pairs
        inner join
            totals
            on pairs.dataset = totals.dataset
            and pairs.slice_id = totals.slice_id
            and totals.load_id in (pairs.load_id, pairs.previous_load_id)
    )

select
    pairs.dataset,
    pairs.slice_id,
    pairs.load_id,
    pairs.billing_month,
    pairs.extracted_at,
    pairs.window_end,
    pairs.row_count,
    pairs.previous_load_id,
    pairs.previous_row_count,
    totals.currency,
    cast(
        sum(
            case
                when totals.total_load_id = pairs.load_id and totals.measure = 'billed_cost'
                then totals.amount
            end
        ) as decimal(38, 12)
    ) as billed_cost,
    cast(
        sum(
            case
                when totals.total_load_id = pairs.load_id and totals.measure = 'stated_billed_cost'
                then totals.amount
            end
        ) as decimal(38, 12)
    ) as stated_billed_cost,
    cast(
        sum(
            case
                when totals.total_load_id = pairs.previous_load_id and totals.measure = 'billed_cost'
                then totals.amount
            end
        ) as decimal(38, 12)
    ) as previous_billed_cost
from pairs
left join
    compared as totals
    on pairs.dataset = totals.dataset
    and pairs.slice_id = totals.slice_id
    and pairs.load_id = totals.load_id
group by
    pairs.dataset,
    pairs.slice_id,
    pairs.load_id,
    pairs.billing_month,
    pairs.extracted_at,
    pairs.window_end,
    pairs.row_count,
    pairs.previous_load_id,
    pairs.previous_row_count,
    totals.currency

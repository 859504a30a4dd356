{{ config(materialized="table") }}

-- The control totals of each current and each held delivery. A table, because only staging views name files
-- of the lake.
with
    {% for dataset in money_datasets() %}
        {{ dataset }} as (select * from {{ lake_totals(dataset) }}){{ "," }}
    {% endfor %}

    slices as (
        select dataset, source, billing_month, slice_id, load_id, false as is_held
        from {{ ref("int_slices__current") }}

        union all

        select dataset, source, billing_month, slice_id, load_id, true
        from {{ ref("int_deliveries__held") }}
    ),

    totals as (
        {% for dataset in money_datasets() %}
            select
                '{{ dataset }}' as dataset,
                slice_id,
                load_id,
                table_name,
                measure,
                currency,
                amount,
                row_count
            from {{ dataset }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select
    slices.source,
    slices.billing_month,
    totals.slice_id,
    slices.is_held,
    totals.table_name,
    totals.measure,
    totals.currency,
    totals.amount,
    totals.row_count
from totals
inner join
    slices
    on totals.dataset = slices.dataset
    and totals.slice_id = slices.slice_id
    and totals.load_id = slices.load_id

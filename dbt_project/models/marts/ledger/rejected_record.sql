with
    slices as (select * from {{ ref("int_slices__current") }}),

    rejected as (
        {% for dataset in datasets_with_rejected_records() %}
            select
                '{{ dataset }}' as dataset,
                slice_id,
                delivery_load_id as load_id,
                place,
                reason,
                billed_cost,
                billing_currency
            from {{ lake_table(dataset, "rejected_records") }} as delivered
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select
    slices.source,
    slices.billing_month,
    slices.slice_id,
    slices.load_id,
    rejected.place,
    rejected.reason,
    cast(rejected.billed_cost as decimal(38, 12)) as billed_cost,
    rejected.billing_currency
from rejected
inner join
    slices
    on rejected.dataset = slices.dataset
    and rejected.slice_id = slices.slice_id
    and rejected.load_id = slices.load_id

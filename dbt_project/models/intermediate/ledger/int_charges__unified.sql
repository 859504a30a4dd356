{{
    config(
        materialized="incremental",
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook="{{ drop_stale_periods('charges_fingerprint') }}",
    )
}}

with
    periods as (select * from {{ periods_to_build("charges_fingerprint") }}),

    charges as (
        {% for model in charge_models() %}
            select {{ charge_columns() | join(", ") }}
            from {{ ref(model) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select charges.*, periods.charges_fingerprint
from charges
inner join periods on charges.source = periods.source and charges.billing_month = periods.billing_month

{{
    config(
        materialized=step_materialization(),
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook=step_hook("ledger_fingerprint"),
    )
}}

-- The charges of all sources. On DuckDB this is a view: later models read the periods that they build
-- straight from the lake, and only the ledger itself is written.
with
    charges as (
        {% for model in charge_models() %}
            select {{ charge_columns() | join(", ") }}, may_be_ai
            from {{ ref(model) }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select *
from {{ step_charges("charges", "ledger_fingerprint") }} as unified

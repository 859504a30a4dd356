{{
    config(
        materialized="incremental",
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook="{{ drop_stale_periods('ledger_fingerprint') }}",
    )
}}

{%- set split = summable_columns() -%}

with
    owned as (select * from {{ ref("int_charges__owned") }}),

    weights as (select * from {{ ref("int_pools__weighed") }}),

    periods as (select * from {{ periods_to_build("ledger_fingerprint") }}),

    charges as (
        select owned.*
        from owned
        inner join periods on owned.source = periods.source and owned.billing_month = periods.billing_month
    ),

    shared as (
        select charges.*, weights.member_owner_id, weights.weight, weights.allocation_method as pool_method
        from charges
        inner join
            weights
            on charges.owner_id = weights.pool_owner_id
            and charges.billing_month = weights.billing_month
            and charges.billing_currency = weights.billing_currency
            and cast(charges.charge_period_start as date) >= weights.valid_from
            and cast(charges.charge_period_start as date) < weights.valid_to
    ),

    parts as (select * from {{ split_exact("shared", split, "weight", "charge_key", "member_owner_id") }}),

    direct as (
        select charges.*
        from charges
        where not exists (select 1 from shared where shared.charge_key = charges.charge_key)
    )

select
    {% for column in charge_columns() if column not in ("charge_key",) %} {{ column }}, {% endfor %}
    charge_key,
    origin_charge_key,
    ledger_fingerprint,
    owner_id,
    ownership_rule_id,
    evidence_kind,
    evidence_value,
    evidence_rank,
    allocation_method,
    allocation_ratio,
    telemetry_status,
    cast(null as string) as pool_owner_id
from direct

union all

select
    {% for column in charge_columns() if column not in ("charge_key",) %}
        {% if column in split %} part_{{ column }} as {{ column }},
        {% elif column == "allocated_method_id" %} 'pool-' || pool_method || '-v1' as {{ column }},
        {% elif column == "allocated_resource_id" %} member_owner_id as {{ column }},
        {% elif column == "allocated_resource_name" %} member_owner_id as {{ column }},
        {% elif column == "allocated_tags" %} coalesce(tags, '{}') as {{ column }},
        {% elif column == "allocated_method_details" %}
            '{"Elements":[{"AllocatedRatio":'
            || {{ decimal_text(ratio("weight", "all_weight")) }}
            || ',"UsageUnit":null,"UsageQuantity":null}]}' as {{ column }},
        {% else %} {{ column }},
        {% endif %}
    {% endfor %}
    {{ md5_key(["charge_key", "member_owner_id"]) }} as charge_key,
    origin_charge_key,
    ledger_fingerprint,
    member_owner_id as owner_id,
    ownership_rule_id,
    'allocation' as evidence_kind,
    'pool=' || owner_id || ' (' || coalesce(evidence_value, '') || ')' as evidence_value,
    6 as evidence_rank,
    pool_method as allocation_method,
    {{ ratio("weight", "all_weight") }} as allocation_ratio,
    telemetry_status,
    owner_id as pool_owner_id
from parts

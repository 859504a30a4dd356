{{ built_by_period("ledger_fingerprint", meta={"parquet": "by_month"}) }}

with
    allocated as (
        select *
        from {{ charges_to_build(ref("int_charges__allocated"), "ledger_fingerprint") }} as current_charges
    ),

    owners as (select * from {{ ref("dim_owner") }}),

    -- The owner's version on the day of the charge. The first version also counts before it, the last one
    -- after it.
    bounded as (
        select
            owner_key,
            owner_id,
            case
                when row_number() over (partition by owner_id order by valid_from) = 1
                then date '0001-01-01'
                else valid_from
            end as held_from,
            case
                when row_number() over (partition by owner_id order by valid_from desc) = 1
                then date '9999-12-31'
                else valid_to
            end as held_to
        from owners
    )

select
    allocated.charge_key,
    allocated.origin_charge_key,
    allocated.vendor_charge_id,
    allocated.source,
    allocated.slice_id,
    allocated.load_id,
    allocated.billing_month,
    bounded.owner_key,
    allocated.owner_id,
    allocated.ownership_rule_id,
    allocated.evidence_kind,
    allocated.evidence_value,
    cast(allocated.evidence_rank as integer) as evidence_rank,
    allocated.pool_owner_id,
    allocated.allocation_method,
    allocated.allocation_ratio,
    allocated.telemetry_status,
    {{ is_estimate("allocated") }} as is_estimated,
    {% for column in focus_columns() %} allocated.{{ column }}, {% endfor %}
    allocated.provider_name,
    allocated.publisher_name,
    allocated.claims,
    allocated.ai_provider,
    allocated.ai_model,
    allocated.ai_token_class,
    allocated.ai_service_tier,
    allocated.ai_account,
    allocated.actor_id,
    allocated.service_id,
    allocated.customer_id,
    allocated.workflow_id,
    allocated.feature,
    allocated.environment,
    allocated.ledger_fingerprint
from allocated
inner join
    bounded
    on allocated.owner_id = bounded.owner_id
    and cast(allocated.charge_period_start as date) >= bounded.held_from
    and cast(allocated.charge_period_start as date) < bounded.held_to

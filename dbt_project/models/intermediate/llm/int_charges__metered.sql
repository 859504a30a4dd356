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
{%- set told = ["actor_id", "service_id", "customer_id", "workflow_id", "feature", "environment"] -%}

-- The bill is the money, the requests say whose it is: an AI charge is shared out over the requests of its
-- bucket
-- (provider, model, token class, tier, UTC day, account) by tokens. What the provider counted and no request
-- explains
-- stays as one unmetered part, with the claims of the bill alone. One dollar stays one dollar.
with
    charges as (
        select charges.*, periods.ledger_fingerprint
        from {{ ref("int_charges__unified") }} as charges
        inner join
            {{ periods_to_build("ledger_fingerprint") }} as periods
            on charges.source = periods.source
            and charges.billing_month = periods.billing_month
    ),

    tokens as (select * from {{ ref("int_llm_tokens__bucketed") }}),

    used as (select * from {{ ref("int_llm_usage__reported") }}),

    matched as (
        select
            charges.*,
            tokens.group_key,
            tokens.tokens as weight,
            tokens.claims as told_claims,
            {% for column in told %} tokens.{{ column }} as told_{{ column }}, {% endfor %}
            'metered' as part_status
        from charges
        inner join
            tokens
            on {{ in_bucket("charges", "tokens") }}
            and (charges.ai_account = tokens.ai_account or tokens.ai_account is null)
    ),

    explained as (select charge_key, sum(weight) as gateway_tokens from matched group by charge_key),

    counted as (
        select charges.charge_key, sum(used.tokens) as tokens
        from charges
        inner join used on {{ in_bucket("charges", "used") }} and charges.ai_account = used.ai_account
        group by charges.charge_key
    ),

    unexplained as (
        select
            charges.*,
            'unmetered' as group_key,
            coalesce(counted.tokens, 0) - explained.gateway_tokens as weight,
            substr(charges.claims, 1, length(charges.claims) - 1)
            || case when charges.claims = '{}' then '' else ',' end
            || '"telemetry":"unmetered"}' as told_claims,
            {% for column in told %} cast(null as string) as told_{{ column }}, {% endfor %}
            'unmetered' as part_status
        from charges
        inner join explained on charges.charge_key = explained.charge_key
        left join counted on charges.charge_key = counted.charge_key
    ),

    pieces as (
        select *
        from matched
        union all
        select *
        from unexplained
        where weight > 0
    ),

    parts as (select * from {{ split_exact("pieces", split, "weight", "charge_key", "group_key") }}),

    whole as (
        select charges.*
        from charges
        left join explained on charges.charge_key = explained.charge_key
        where explained.charge_key is null
    )

select
    {% for column in charge_columns() if column != "charge_key" %} {{ column }}, {% endfor %}
    charge_key,
    charge_key as origin_charge_key,
    ledger_fingerprint,
    cast(null as string) as allocation_method,
    cast(null as decimal(20, 12)) as allocation_ratio,
    case when ai_provider is null then 'not_applicable' else 'unmetered' end as telemetry_status
from whole

union all

select
    {% for column in charge_columns() if column != "charge_key" %}
        {% if column in split %} part_{{ column }} as {{ column }},
        {% elif column in told %} told_{{ column }} as {{ column }},
        {% elif column == "claims" %} told_claims as claims,
        {% elif column == "allocated_method_id" %} 'llm-request-log-tokens-v1' as {{ column }},
        {% elif column == "allocated_resource_id" %} coalesce(told_workflow_id, group_key) as {{ column }},
        {% elif column == "allocated_resource_name" %}
            coalesce(told_workflow_id, part_status) as {{ column }},
        {% elif column == "allocated_tags" %} told_claims as {{ column }},
        {% elif column == "allocated_method_details" %}
            '{"Elements":[{"AllocatedRatio":'
            || {{ decimal_text(ratio("weight", "all_weight")) }}
            || ',"UsageUnit":"Tokens","UsageQuantity":'
            || cast(weight as string)
            || '}]}' as {{ column }},
        {% else %} {{ column }},
        {% endif %}
    {% endfor %}
    {{ md5_key(["charge_key", "group_key"]) }} as charge_key,
    charge_key as origin_charge_key,
    ledger_fingerprint,
    'llm-request-log-tokens-v1' as allocation_method,
    {{ ratio("weight", "all_weight") }} as allocation_ratio,
    part_status as telemetry_status
from parts

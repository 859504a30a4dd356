{{ built_by_period("ledger_fingerprint") }}

{%- set measures = [
    ("directly_owned_cost", "attribution_type = 'direct'"), ("account_owned_cost", "attribution_type = 'account'"),
    ("default_owned_cost", "attribution_type = 'default'"), ("allocated_cost", "attribution_type = 'allocation'"),
    ("unallocated_cost", "attribution_type = 'pool'"), ("unowned_cost", "attribution_type = 'unowned'"),
    ("taggable_cost", "untaggable_reason is null"), ("tagged_cost", "untaggable_reason is null and is_tagged"),
] -%}

with
    costs as (select * from {{ ref("fact_cost") }}),

    owners as (select * from {{ ref("dim_owner") }}),

    periods as (select * from {{ periods_to_build("ledger_fingerprint") }}),

    attributed as (
        select
            costs.source,
            costs.billing_month,
            costs.billing_currency,
            costs.sub_account_id,
            costs.sub_account_name,
            costs.service_name,
            costs.effective_cost,
            costs.ledger_fingerprint,
            {{ untaggable_reason("costs") }} as untaggable_reason,
            contains(costs.claims, '_tag:') as is_tagged,
            case
                when costs.owner_id = 'unowned'
                then 'unowned'
                when costs.evidence_kind = 'allocation'
                then 'allocation'
                when owners.owner_kind = 'shared pool'
                then 'pool'
                when costs.evidence_kind = 'provider_account'
                then 'account'
                when costs.evidence_kind in ('default', 'none')
                then 'default'
                else 'direct'
            end as attribution_type
        from costs
        inner join periods on costs.source = periods.source and costs.billing_month = periods.billing_month
        inner join owners on costs.owner_key = owners.owner_key
    )

select
    source,
    billing_month,
    billing_currency,
    sub_account_id,
    max(sub_account_name) as sub_account_name,
    service_name,
    untaggable_reason,
    cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
    {% for measure, condition in measures %}
        cast(
            sum(case when {{ condition }} then effective_cost else 0 end) as decimal(38, 12)
        ) as {{ measure }},
    {% endfor %}
    cast(count(*) as bigint) as charge_count,
    ledger_fingerprint
from attributed
group by
    source,
    billing_month,
    billing_currency,
    sub_account_id,
    service_name,
    untaggable_reason,
    ledger_fingerprint

{{ config(meta={"dagster": {"ref": {"name": "fact_cost"}}}) }}

-- However often a charge was split, its parts add up to it, to the last digit.
with
    charges as (
        select charge_key, billed_cost, effective_cost, list_cost, contracted_cost
        from {{ ref("int_charges__unified") }}
    ),

    parts as (
        select
            origin_charge_key,
            sum(billed_cost) as billed_cost,
            sum(effective_cost) as effective_cost,
            sum(list_cost) as list_cost,
            sum(contracted_cost) as contracted_cost
        from {{ ref("fact_cost") }}
        group by origin_charge_key
    )

select charges.charge_key
from charges
left join parts on charges.charge_key = parts.origin_charge_key
where
    parts.origin_charge_key is null
    or charges.billed_cost <> parts.billed_cost
    or charges.effective_cost <> parts.effective_cost
    or charges.list_cost <> parts.list_cost
    or charges.contracted_cost <> parts.contracted_cost

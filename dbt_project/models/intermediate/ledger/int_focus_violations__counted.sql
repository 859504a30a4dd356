{{ built_by_period("ledger_fingerprint") }}

{%- set rules = focus_rules() -%}

-- The FOCUS rules that rows of the ledger violate, counted by slice and currency. One pass finds the rows
-- that violate any rule, with the ids of the rules in one text: twenty columns of conditions took Spark's
-- planner minutes.
with
    periods as (select * from {{ periods_to_build("ledger_fingerprint") }}),

    costs as (
        select costs.*
        from {{ ref("fact_cost") }} as costs
        inner join periods on costs.source = periods.source and costs.billing_month = periods.billing_month
    ),

    checked as (
        select
            source,
            slice_id,
            billing_month,
            billing_currency,
            ledger_fingerprint,
            charge_key,
            billed_cost,
            concat_ws(
                ','
                {% for rule_id, _, condition in rules %}
                    , case when {{ condition }} then '{{ rule_id }}' end
                {% endfor %}
            ) as violated
        from costs
    ),

    violations as (select * from checked where violated <> ''),

    rules as (
        {% for rule_id, sentence, _ in rules %}
            select '{{ rule_id }}' as rule_id, '{{ sentence }}' as rule
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

select
    violations.source,
    violations.billing_month,
    violations.slice_id,
    violations.billing_currency,
    rules.rule_id,
    rules.rule,
    cast(count(*) as bigint) as row_count,
    cast(sum(violations.billed_cost) as decimal(38, 12)) as billed_cost,
    min(violations.charge_key) as example_charge_key,
    violations.ledger_fingerprint
from violations
inner join rules on contains(',' || violations.violated || ',', ',' || rules.rule_id || ',')
group by
    violations.source,
    violations.billing_month,
    violations.slice_id,
    violations.billing_currency,
    rules.rule_id,
    rules.rule,
    violations.ledger_fingerprint

union all

-- Marks the period as built, so that one without violations is not read again.
select source, billing_month, null, null, null, null, 0, null, null, ledger_fingerprint
from {{ periods_to_build("ledger_fingerprint") }} as processed

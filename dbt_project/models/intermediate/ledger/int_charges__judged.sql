{{ built_by_period("ledger_fingerprint") }}

{%- set rules = focus_rules() -%}

-- Which of FOCUS's rules rows of the ledger violate, counted by slice and currency. One pass over the ledger
-- finds the rows that violate any; what follows is small.
with
    periods as (select * from {{ periods_to_build("ledger_fingerprint") }}),

    costs as (
        select costs.*
        from {{ ref("fact_cost") }} as costs
        inner join periods on costs.source = periods.source and costs.billing_month = periods.billing_month
    ),

    judged as (
        select
            source,
            slice_id,
            billing_month,
            billing_currency,
            ledger_fingerprint,
            charge_key,
            billed_cost,
            {% for rule_id, _, condition in rules %}
                coalesce({{ condition }}, false) as {{ rule_id }} {{ "," if not loop.last }}
            {% endfor %}
        from costs
    ),

    counted as (
        select
            source,
            slice_id,
            billing_month,
            billing_currency,
            ledger_fingerprint,
            {% for rule_id, _, _ in rules %}
                sum(case when {{ rule_id }} then 1 else 0 end) as {{ rule_id }}_rows,
                sum(case when {{ rule_id }} then billed_cost end) as {{ rule_id }}_cost,
                min(case when {{ rule_id }} then charge_key end) as {{ rule_id }}_example
                {{ "," if not loop.last }}
            {% endfor %}
        from judged
        where {% for rule_id, _, _ in rules %} {{ rule_id }} {{ "or" if not loop.last }} {% endfor %}
        group by source, slice_id, billing_month, billing_currency, ledger_fingerprint
    ),

    rules as (
        {% for rule_id, sentence, _ in rules %}
            select '{{ rule_id }}' as rule_id, '{{ sentence }}' as rule
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    listed as (
        select
            counted.source,
            counted.slice_id,
            counted.billing_month,
            counted.billing_currency,
            rules.rule_id,
            rules.rule,
            {% for measure in ["rows", "cost", "example"] %}
                case
                    rules.rule_id
                    {% for rule_id, _, _ in rules %}
                        when '{{ rule_id }}' then counted.{{ rule_id }}_{{ measure }}
                    {% endfor %}
                end as found_{{ measure }},
            {% endfor %}
            counted.ledger_fingerprint
        from counted
        cross join rules
    )

select
    source,
    billing_month,
    slice_id,
    billing_currency,
    rule_id,
    rule,
    cast(found_rows as bigint) as row_count,
    cast(found_cost as decimal(38, 12)) as billed_cost,
    found_example as example_charge_key,
    ledger_fingerprint
from listed
where found_rows > 0

union all

-- A period in which there is nothing is remembered as looked at: it is not read again.
select source, billing_month, null, null, null, null, 0, null, null, ledger_fingerprint
from {{ periods_to_build("ledger_fingerprint") }} as looked_at

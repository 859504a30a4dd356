{{ built_by_period("ledger_fingerprint") }}

{%- set groups = estimated_groups() -%}

-- The list price of unbilled requests, by what they have in common: many requests are one estimate. A
-- request's cost is rounded once, as in fact_llm_request: each class is what the rounded sum grows by, so
-- that the classes add up to it. A month without any keeps one row, so that it is not read again.
with
    periods as (
        select *
        from {{ periods_to_build("ledger_fingerprint") }} as period
        where source = '{{ estimating_source() }}'
    ),

    priced as (
        select *
        from {{ charges_to_build(ref("int_llm_requests__priced"), "ledger_fingerprint") }} as current_requests
        where is_assigned_book and is_unbilled and pricing_status = 'priced'
    ),

    classed as (
        select
            priced.*,
            {% for class, _ in llm_cost_classes() %}
                {%- set until = [] -%}
                {%- for earlier, _ in llm_cost_classes()[: loop.index] -%}
                    {%- do until.append(earlier ~ "_cost_units") -%}
                {%- endfor %}
                {{ millionth("(" ~ until | join(" + ") ~ ")") }} as cost_until_{{ class }}
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from priced
    ),

    summed as (
        select
            billing_month,
            {% for column, name in groups %} {{ column }} as {{ name }}, {% endfor %}
            price_book_version,
            max(load_id || '|' || slice_id) as newest_delivery,
            count(*) as request_count,
            {% for class, count in llm_cost_classes() %}
                sum({{ "coalesce(" ~ count ~ ", 0)" if count else "1" }}) as {{ class }}_quantity,
                sum(
                    cost_until_{{ class }}
                    {% if not loop.first %} - cost_until_{{ loop.previtem[0] }} {% endif %}
                ) as {{ class }}_cost
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from classed
        group by billing_month, {% for column, _ in groups %} {{ column }}, {% endfor %} price_book_version
    )

select
    periods.source,
    periods.billing_month,
    periods.ledger_fingerprint,
    {% for _, name in groups %} summed.{{ name }}, {% endfor %}
    summed.price_book_version,
    {{ first_part("summed.newest_delivery") }} as load_id,
    substr(summed.newest_delivery, instr(summed.newest_delivery, '|') + 1) as slice_id,
    cast(coalesce(summed.request_count, 0) as bigint) as request_count,
    {% for class, _ in llm_cost_classes() %}
        cast(coalesce(summed.{{ class }}_quantity, 0) as bigint) as {{ class }}_quantity,
        cast(coalesce(summed.{{ class }}_cost, 0) as decimal(38, 12)) as {{ class }}_cost
        {% if not loop.last %}, {% endif %}
    {% endfor %}
from periods
left join summed on periods.billing_month = summed.billing_month

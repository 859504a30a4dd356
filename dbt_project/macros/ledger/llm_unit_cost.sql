{#- Unit economics: every ratio divides sums, and is NULL where the divisor is 0. -#}
{% macro cost_for(cost, quantity, units=1) %}
    {#- The average cost of `units` units, rounded half up to 12 places. For reading: averages do not add up. -#}
    {%- set divisor = "cast(" ~ quantity ~ " as decimal(38, 12))" -%}
    case
        when {{ quantity }} > 0 and {{ cost }} >= 0
        then
            {% if units == 1 %} {{ unit_price(cost, divisor) }}
            {% else %} {{ unit_price(decimal_product(cost, units), divisor) }}
            {% endif %}
    end
{% endmacro %}

{% macro ratio_of(part, whole) %}
    {#- Part ÷ whole of two sums of whole numbers, DECIMAL(20,12). -#}
    case when {{ whole }} > 0 then {{ ratio(part, whole) }} end
{% endmacro %}

{% macro is_replaced_answer() %}
    {#- Whether a later paid answer of the same call replaced a request's paid answer. -#}
    (
        is_billed
        and row_number() over (
            partition by source_system, coalesce(call_id, request_id), is_billed
            order by started_at desc, request_id desc
        )
        > 1
    )
{% endmacro %}

{#- Unit economics: every ratio is of sums, and NULL where what it is of is nothing. -#}
{% macro cost_for(cost, quantity, units=1) %}
    {#- What so many units cost on average, rounded half up to 12 places; for reading, not to be added up. -#}
    {%- set piece = "cast(" ~ quantity ~ " as decimal(38, 12))" -%}
    case
        when {{ quantity }} > 0 and {{ cost }} >= 0
        then
            {% if units == 1 %} {{ unit_price(cost, piece) }}
            {% else %} {{ unit_price(decimal_product(cost, units), piece) }}
            {% endif %}
    end
{% endmacro %}

{% macro ratio_of(part, whole) %}
    {#- Part ÷ whole of two sums of whole numbers, DECIMAL(20,12). -#}
    case when {{ whole }} > 0 then {{ ratio(part, whole) }} end
{% endmacro %}

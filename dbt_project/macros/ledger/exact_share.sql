{% macro exact_share(amount, cumulative_weight_before, cumulative_weight, total_weight) %}
    {#-
        The part of an amount that falls to the weights from `cumulative_weight_before` to `cumulative_weight` of `total_weight`, whole numbers
        that count up over the parts: what the amount comes to at the one, less what it comes to at the other, each rounded
        down to 10^-12. So the parts of an amount add up to it exactly, each is within one unit of its proportion, and a
        row needs no other row to be split: no window over charges (docs/decisions/0009).

        NULL stays NULL; a negative amount is split as its absolute value. `total_weight` must not be 0.
    -#}
    {%- set units -%} abs({{ to_units(amount) }}) {%- endset -%}
    {%- set until -%} {{ whole_quotient(units ~ " * " ~ whole_number(cumulative_weight), total_weight) }} {%- endset -%}
    {%- set before -%} {{ whole_quotient(units ~ " * " ~ whole_number(cumulative_weight_before), total_weight) }} {%- endset -%}
    {{ from_units("case when " ~ amount ~ " < 0 then -1 else 1 end * (" ~ until ~ " - " ~ before ~ ")") }}
{% endmacro %}

{% macro exact_share_of_quantity(quantity, cumulative_weight_before, cumulative_weight, total_weight) %}
    {#-
        The part of a quantity, which may be larger than any amount of money: byte-seconds come to 10^18. From 10^13 on it is
        shared out in whole numbers, and what is less than one falls to the first.
    -#}
    {%- set whole -%} {{ whole_number("floor(abs(" ~ quantity ~ "))") }} {%- endset -%}
    {%- set until -%} {{ whole_share(whole, cumulative_weight, total_weight) }} {%- endset -%}
    {%- set before -%} {{ whole_share(whole, cumulative_weight_before, total_weight) }} {%- endset -%}
    case
        when abs({{ quantity }}) < 10000000000000
        then {{ exact_share(quantity, cumulative_weight_before, cumulative_weight, total_weight) }}
        else
            cast(
                case when {{ quantity }} < 0 then -1 else 1 end * (
                    cast({{ until }} - {{ before }} as decimal(26, 0)) + case
                        when {{ cumulative_weight_before }} = 0
                        then abs({{ quantity }}) - floor(abs({{ quantity }}))
                        else 0
                    end
                ) as decimal(38, 12)
            )
    end
{% endmacro %}

{% macro share_of(column) %}
    {#- The part of a summable column of a charge that falls to a row with `cumulative_weight_before`, `cumulative_weight`, `total_weight`. -#}
    {%- set share = exact_share if column in cost_columns() else exact_share_of_quantity -%}
    {{ share(column, "cumulative_weight_before", "cumulative_weight", "total_weight") }}
{% endmacro %}

{% macro whole_share(whole, weight, total_weight) %}
    {#- A whole number × weight ÷ all weights, rounded down, without the product, which 38 digits may not hold. -#}
    {%- set weight, total_weight = whole_number(weight), whole_number(total_weight) -%}
    (
        {{ whole_quotient(whole, total_weight) }} * {{ weight }}
        + {{ whole_quotient(whole_remainder(whole, total_weight) ~ " * " ~ weight, total_weight) }}
    )
{% endmacro %}

{% macro running_weight(weight, partition_by, order_by) %}
    {#- What the weights of a group count up to at a row: the `cumulative_weight` of `exact_share`. -#}
    sum({{ whole_number(weight) }}) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{% endmacro %}

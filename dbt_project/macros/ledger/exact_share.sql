{% macro exact_share(amount, from_weight, to_weight, all_weight) %}
    {#-
        The part of an amount that falls to the weights from `from_weight` to `to_weight` of `all_weight`, whole numbers
        that count up over the parts: what the amount comes to at the one, less what it comes to at the other, each rounded
        down to 10^-12. So the parts of an amount add up to it exactly, each is within one unit of its proportion, and a
        row needs no other row to be split: no window over charges (docs/decisions/0009).

        NULL stays NULL; a negative amount is split as its absolute value. `all_weight` must not be 0.
    -#}
    {%- set units -%} abs({{ to_units(amount) }}) {%- endset -%}
    {%- set until -%} {{ whole_quotient(units ~ " * " ~ whole_number(to_weight), all_weight) }} {%- endset -%}
    {%- set before -%} {{ whole_quotient(units ~ " * " ~ whole_number(from_weight), all_weight) }} {%- endset -%}
    {{ from_units("case when " ~ amount ~ " < 0 then -1 else 1 end * (" ~ until ~ " - " ~ before ~ ")") }}
{% endmacro %}

{% macro exact_share_of_quantity(quantity, from_weight, to_weight, all_weight) %}
    {#-
        The part of a quantity, which may be larger than any amount of money: byte-seconds come to 10^18. From 10^13 on it is
        shared out in whole numbers, and what is less than one falls to the first.
    -#}
    {%- set whole -%} {{ whole_number("floor(abs(" ~ quantity ~ "))") }} {%- endset -%}
    {%- set until -%} {{ whole_share(whole, to_weight, all_weight) }} {%- endset -%}
    {%- set before -%} {{ whole_share(whole, from_weight, all_weight) }} {%- endset -%}
    case
        when abs({{ quantity }}) < 10000000000000
        then {{ exact_share(quantity, from_weight, to_weight, all_weight) }}
        else
            cast(
                case when {{ quantity }} < 0 then -1 else 1 end * (
                    cast({{ until }} - {{ before }} as decimal(26, 0)) + case
                        when {{ from_weight }} = 0
                        then abs({{ quantity }}) - floor(abs({{ quantity }}))
                        else 0
                    end
                ) as decimal(38, 12)
            )
    end
{% endmacro %}

{% macro share_of(column) %}
    {#- The part of a summable column of a charge that falls to a row with `from_weight`, `to_weight`, `all_weight`. -#}
    {%- set share = exact_share if column in cost_columns() else exact_share_of_quantity -%}
    {{ share(column, "from_weight", "to_weight", "all_weight") }}
{% endmacro %}

{% macro whole_share(whole, weight, all_weight) %}
    {#- A whole number × weight ÷ all weights, rounded down, without the product, which 38 digits may not hold. -#}
    {%- set weight, all_weight = whole_number(weight), whole_number(all_weight) -%}
    (
        {{ whole_quotient(whole, all_weight) }} * {{ weight }}
        + {{ whole_quotient(whole_remainder(whole, all_weight) ~ " * " ~ weight, all_weight) }}
    )
{% endmacro %}

{% macro weight_until(weight, partition_by, order_by) %}
    {#- What the weights of a group count up to at a row: the `to_weight` of `exact_share`. -#}
    sum({{ whole_number(weight) }}) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{% endmacro %}

{% macro exact_share(amount, cumulative_weight_before, cumulative_weight, total_weight) %}
    {#-
        The part of an amount between the weights `cumulative_weight_before` and `cumulative_weight` of
        `total_weight`. Weights are whole numbers that accumulate over the parts. The part is the amount at the
        second weight less the amount at the first, each rounded down to 10^-12. So the parts add up to the
        amount exactly, each is within one unit of its proportion, and a row is split without a window over
        charges (docs/decisions/0009). NULL stays NULL; a negative amount is split as its absolute value.
        `total_weight` must not be 0.
    -#}
    {%- set units -%} abs({{ to_units(amount) }}) {%- endset -%}
    {%- set until -%} {{ whole_quotient(units ~ " * " ~ whole_number(cumulative_weight), total_weight) }} {%- endset -%}
    {%- set before -%} {{ whole_quotient(units ~ " * " ~ whole_number(cumulative_weight_before), total_weight) }} {%- endset -%}
    {{ from_units("case when " ~ amount ~ " < 0 then -1 else 1 end * (" ~ until ~ " - " ~ before ~ ")") }}
{% endmacro %}

{% macro exact_share_of_quantity(quantity, cumulative_weight_before, cumulative_weight, total_weight) %}
    {#-
        The part of a quantity, which may be larger than any amount of money: byte-seconds reach 10^18. From
        10^13 on it is split in whole numbers, and the fraction goes to the first part.
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
    {#-
        The part of a summable column of a row that has `cumulative_weight_before`, `cumulative_weight` and
        `total_weight`.
    -#}
    {%- set share = exact_share if column in cost_columns() else exact_share_of_quantity -%}
    {{ share(column, "cumulative_weight_before", "cumulative_weight", "total_weight") }}
{% endmacro %}

{% macro whole_share(whole, weight, total_weight) %}
    {#-
        A whole number × weight ÷ total weight, rounded down, without the product itself, which may exceed 38
        digits.
    -#}
    {%- set weight, total_weight = whole_number(weight), whole_number(total_weight) -%}
    (
        {{ whole_quotient(whole, total_weight) }} * {{ weight }}
        + {{ whole_quotient(whole_remainder(whole, total_weight) ~ " * " ~ weight, total_weight) }}
    )
{% endmacro %}

{% macro running_weight(weight, partition_by, order_by) %}
    {#- The sum of the weights of a group up to a row: the `cumulative_weight` of `exact_share`. -#}
    sum({{ whole_number(weight) }}) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{% endmacro %}

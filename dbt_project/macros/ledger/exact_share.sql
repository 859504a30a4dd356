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

{% macro weight_until(weight, partition_by, order_by) %}
    {#- What the weights of a group count up to at a row: the `to_weight` of `exact_share`. -#}
    sum({{ whole_number(weight) }}) over (
        partition by {{ partition_by }}
        order by {{ order_by }}
        rows between unbounded preceding and current row
    )
{% endmacro %}

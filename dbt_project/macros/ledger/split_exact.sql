{% macro split_exact(parts, amounts, weight, partition_by, order_by) %}
    {#-
        Split amounts over parts in proportion to whole-number weights, so that the parts add up to the amount
        exactly: largest remainder, in units of 10^-12, ties by `order_by` (FinOps: shared cost, cent-exact).

        `parts` is a relation with one row a part; `partition_by` names the column that says which amount it is a
        part of, and every amount column holds the whole amount on each of its parts. Gives all columns of `parts`
        and, for each amount, `part_<amount>`. NULL stays NULL; a negative amount is split as its absolute value.
        The weights of a partition must not all be 0.
    -#}
    (
        with
            whole as (
                select
                    part.*,
                    sum({{ whole_number(weight) }}) over (partition by {{ partition_by }}) as all_weight
                from {{ parts }} as part
            ),

            floored as (
                select
                    whole.*,
                    {% for amount in amounts %}
                        {{ whole_quotient("abs(" ~ to_units(amount) ~ ") * " ~ weight, "all_weight") }}
                        as floor_{{ amount }},
                        {{ whole_remainder("abs(" ~ to_units(amount) ~ ") * " ~ weight, "all_weight") }}
                        as rest_{{ amount }}{{ "," if not loop.last }}
                    {% endfor %}
                from whole
            ),

            ranked as (
                select
                    floored.*,
                    {% for amount in amounts %}
                        abs({{ to_units(amount) }})
                        - sum(floor_{{ amount }}) over (partition by {{ partition_by }}) as left_{{ amount }},
                        row_number() over (
                            partition by {{ partition_by }} order by rest_{{ amount }} desc, {{ order_by }}
                        ) as rank_{{ amount }}{{ "," if not loop.last }}
                    {% endfor %}
                from floored
            )

        select
            ranked.*,
            {% for amount in amounts %}
                {{
                    from_units(
                        "case when " ~ amount ~ " < 0 then -1 else 1 end * (floor_" ~ amount ~ " + case when rank_" ~ amount ~ " <= left_"
                        ~ amount ~ " then 1 else 0 end)"
                    )
                }}
                as part_{{ amount }}{{ "," if not loop.last }}
            {% endfor %}
        from ranked
    )
{% endmacro %}

{% macro split_charge(part_id, replaced, weight_unit=none) %}
    {#-
        The columns of a charge, whole or split into parts, from a relation of charges that a left join gives `weight`,
        `cumulative_weight_before`, `cumulative_weight` and `total_weight` (NULL where the charge stays whole). A part has its
        exact share of each cost and quantity, and a key made of the charge's key and `part_id`. `replaced` maps further
        columns to what a part has in their place; all others are the charge's. `weight_unit` is the column with FOCUS's unit
        of the driver, where the weights are quantities.
    -#}
    {%- set details -%}
        '{"Elements":[{"AllocatedRatio":'
        || {{ decimal_text(ratio("weight", "total_weight")) }}
        || {% if weight_unit -%}
            ',"UsageUnit":"' || {{ weight_unit }} || '","UsageQuantity":' || cast(weight as string) || '}]}'
        {%- else -%} ',"UsageUnit":null,"UsageQuantity":null}]}'
        {%- endif -%}
    {%- endset -%}
    {%- set parts = {"charge_key": md5_key(["charge_key", part_id]), "allocated_method_details": details} -%}
    {%- for column in summable_columns() -%}
        {%- do parts.update({column: share_of(column)}) -%}
    {%- endfor -%}
    {%- do parts.update({"contract_applied": _part_of_contract()}) -%}
    {%- do parts.update(replaced) -%}
    {%- for column in charge_columns() -%}
        {%- if column in parts %}
            case when total_weight is null then {{ column }} else {{ parts[column] }} end as {{ column }}
        {%- else %} {{ column }}
        {%- endif -%}
        {{ "," if not loop.last }}
    {%- endfor -%}
{% endmacro %}

{% macro _part_of_contract() %}
    {#-
        The part of what a charge counts towards its commitment: that of the commitment's quantity, or of its
        effective cost, where this is what its only element counts. Elsewhere it is NULL, because each part
        would count the whole.
    -#}
    case
        {% for column, name in [
            ("commitment_discount_quantity", "':'"),
            ("effective_cost", "'\"ContractCommitmentAppliedCost\":'"),
        ] %}
            {%- set counted = name ~ " || " ~ decimal_text(column) -%}
            when
                contract_applied like '%' || {{ counted }} || '%'
                and contract_applied not like '%' || '},{' || '%'
            then replace(contract_applied, {{ counted }}, {{ name }} || {{ decimal_text(share_of(column)) }})
        {% endfor %}
    end
{% endmacro %}

{% macro contract_applied(contract, commitment, quantity, unit, is_cost) %}
    {#-
        FOCUS's ContractApplied of a charge and one commitment of a contract: the cost that counts towards a
        commitment of spend, the quantity and its unit of another. NULL without a quantity.
    -#}
    case
        when
            {{ contract }} is not null
            and {{ quantity }} is not null
            and ({{ is_cost }} or {{ unit }} is not null)
        then
            '{"Elements":[{"ContractId":'
            || {{ json_of_text(contract) }}
            || ',"ContractCommitmentId":'
            || {{ json_of_text(commitment) }}
            || case
                when {{ is_cost }}
                then ',"ContractCommitmentAppliedCost":' || {{ decimal_text(quantity) }}
                else
                    ',"ContractCommitmentAppliedQuantity":'
                    || {{ decimal_text(quantity) }}
                    || ',"ContractCommitmentAppliedUnit":'
                    || {{ json_of_text(unit) }}
            end
            || '}]}'
    end
{% endmacro %}

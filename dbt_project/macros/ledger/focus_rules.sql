{% macro focus_rules() %}
    {#-
        FOCUS's rules for a row beyond its amounts, as [rule_id, the rule in a sentence, the condition under
        which a row of fact_cost violates it], after FOCUS 1.4, Cost and Usage: the column that each sentence
        begins with. The official validators check neither price × quantity nor enumerations row by row. A
        violation is a warning: the money is right.
    -#}
    {{
        return([
            [
                "unknown_charge_category",
                "ChargeCategory is Usage, Purchase, Tax, Credit or Adjustment.",
                "coalesce(charge_category, '') not in ('Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment')",
            ],
            [
                "unknown_charge_frequency",
                "ChargeFrequency is One-Time, Recurring or Usage-Based.",
                "coalesce(charge_frequency, '') not in ('One-Time', 'Recurring', 'Usage-Based')",
            ],
            [
                "usage_based_purchase",
                "ChargeFrequency of a Purchase is not Usage-Based.",
                "charge_category = 'Purchase' and charge_frequency = 'Usage-Based'",
            ],
            [
                "unknown_pricing_category",
                "PricingCategory is Standard, Dynamic, Committed or Other, where there is one.",
                "pricing_category not in ('Standard', 'Dynamic', 'Committed', 'Other')",
            ],
            [
                "charge_period_without_length",
                "ChargePeriodEnd is later than ChargePeriodStart.",
                "charge_period_start >= charge_period_end",
            ],
            [
                "billing_period_without_length",
                "BillingPeriodEnd is later than BillingPeriodStart.",
                "billing_period_start >= billing_period_end",
            ],
            [
                "tax_with_another_effective_cost",
                "EffectiveCost of a Tax is its BilledCost.",
                "charge_category = 'Tax' and billed_cost <> effective_cost",
            ],
            [
                "usage_without_price_id",
                "SkuPriceId is there for Usage and Purchases that are no Correction.",
                "charge_category in ('Usage', 'Purchase') and charge_class is null and sku_price_id is null",
            ],
            [
                "price_without_price_id",
                "SkuPriceId is there where ListUnitPrice or PricingQuantity is.",
                "sku_price_id is null and (list_unit_price is not null or pricing_quantity is not null)",
            ],
            [
                "pricing_quantity_without_unit",
                "PricingUnit is there where PricingQuantity is.",
                "pricing_quantity is not null and pricing_unit is null",
            ],
            [
                "pricing_unit_without_quantity",
                "PricingQuantity is there where PricingUnit is.",
                "pricing_quantity is null and pricing_unit is not null",
            ],
            [
                "consumed_quantity_without_unit",
                "ConsumedUnit is there where ConsumedQuantity is.",
                "consumed_quantity is not null and consumed_unit is null",
            ],
            [
                "consumed_unit_without_quantity",
                "ConsumedQuantity is there where ConsumedUnit is.",
                "consumed_quantity is null and consumed_unit is not null",
            ],
            [
                "sku_meter_without_sku",
                "SkuId is there where SkuMeter is.",
                "sku_id is null and sku_meter is not null",
            ],
            [
                "sku_details_without_price_id",
                "SkuPriceId is there where SkuPriceDetails is.",
                "sku_price_id is null and sku_price_details is not null",
            ],
            [
                "resource_without_type",
                "ResourceType is there where ResourceId is.",
                "resource_id is not null and resource_type is null",
            ],
            [
                "resource_name_without_id",
                "ResourceId is there where ResourceName is.",
                "resource_id is null and resource_name is not null",
            ],
            [
                "sub_account_without_name",
                "SubAccountName is there where SubAccountId is.",
                "sub_account_id is not null and sub_account_name is null",
            ],
            [
                "sub_account_without_type",
                "SubAccountType is there where SubAccountId is.",
                "sub_account_id is not null and sub_account_type is null",
            ],
            [
                "negative_list_unit_price",
                "ListUnitPrice is not negative.",
                "list_unit_price < 0",
            ],
            [
                "list_price_does_not_multiply",
                "ListUnitPrice times PricingQuantity is ListCost.",
                _does_not_multiply("list_unit_price", "list_cost"),
            ],
            [
                "contracted_price_does_not_multiply",
                "ContractedUnitPrice times PricingQuantity is ContractedCost.",
                _does_not_multiply("contracted_unit_price", "contracted_cost"),
            ],
        ])
    }}
{% endmacro %}

{#- Quantity and cost of a split charge are each rounded to 12 places, so its price may be off by as much. -#}
{% macro _does_not_multiply(price, cost) %}
    {{ price }} >= 0
    and pricing_quantity is not null
    and {{ cost }} is not null
    and not {{ unit_price_matches_cost(price, "pricing_quantity", cost) }}
    and not (
        allocation_ratio is not null
        and abs({{ binary_product(price, "pricing_quantity") }} - cast({{ cost }} as double))
        <= 0.000000000001 * (cast({{ price }} as double) + 1)
        + 0.000000001 * greatest(abs(cast({{ cost }} as double)), 1)
    )
{% endmacro %}

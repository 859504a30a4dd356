{#-
    The columns of a charge: every int_<source>_charges__classified selects exactly these, and `may_be_ai`. FOCUS 1.4 Cost
    and Usage (65 columns) in snake_case, the provider and publisher of 1.2 and 1.3, and the project's own.
-#}
{% macro focus_columns() %}
    {{
        return(
            [
                "allocated_method_details", "allocated_method_id", "allocated_resource_id",
                "allocated_resource_name", "allocated_tags", "availability_zone", "billed_cost",
                "billing_account_id", "billing_account_name", "billing_account_type", "billing_currency",
                "billing_period_end", "billing_period_start", "capacity_reservation_id",
                "capacity_reservation_status", "charge_category", "charge_class", "charge_description",
                "charge_frequency", "charge_period_end", "charge_period_start",
                "commitment_discount_category", "commitment_discount_id", "commitment_discount_name",
                "commitment_discount_quantity", "commitment_discount_status", "commitment_discount_type",
                "commitment_discount_unit", "commitment_program_eligibility_details", "consumed_quantity",
                "consumed_unit", "contract_applied", "contracted_cost", "contracted_unit_price",
                "effective_cost", "host_provider_name", "invoice_detail_id", "invoice_id",
                "invoice_issuer_name", "list_cost", "list_unit_price", "pricing_category",
                "pricing_currency", "pricing_currency_contracted_unit_price",
                "pricing_currency_effective_cost", "pricing_currency_list_unit_price",
                "pricing_quantity", "pricing_unit", "region_id", "region_name", "resource_id",
                "resource_name", "resource_type", "service_category", "service_name",
                "service_provider_name", "service_subcategory", "sku_id", "sku_meter",
                "sku_price_details", "sku_price_id", "sub_account_id", "sub_account_name",
                "sub_account_type", "tags",
            ]
        )
    }}
{% endmacro %}

{% macro charge_columns() %}
    {{
        return(
            ["source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id"]
            + focus_columns()
            + ["provider_name", "publisher_name", "claims"]
            + ["ai_provider", "ai_model", "ai_token_class", "ai_service_tier", "ai_account"]
            + attribution_columns()
        )
    }}
{% endmacro %}

{% macro decimal_columns() %}
    {{
        return(
            [
                "billed_cost", "effective_cost", "list_cost", "contracted_cost", "contracted_unit_price",
                "list_unit_price", "pricing_quantity", "consumed_quantity", "commitment_discount_quantity",
                "pricing_currency_contracted_unit_price", "pricing_currency_effective_cost",
                "pricing_currency_list_unit_price",
            ]
        )
    }}
{% endmacro %}

{% macro summable_columns() %}
    {#-
        The columns of a charge that a split divides: costs and quantities. Unit prices stay (FOCUS 1.3,
        allocation).
    -#}
    {{
        return(
            [
                "billed_cost", "effective_cost", "list_cost", "contracted_cost", "pricing_quantity",
                "consumed_quantity", "commitment_discount_quantity", "pricing_currency_effective_cost",
            ]
        )
    }}
{% endmacro %}

{% macro timestamp_columns() %}
    {{ return(["billing_period_start", "billing_period_end", "charge_period_start", "charge_period_end"]) }}
{% endmacro %}

{% macro charge_column_type(column) %}
    {%- if column in decimal_columns() -%} decimal(38, 12)
    {%- elif column in timestamp_columns() -%} timestamp
    {%- else -%} string
    {%- endif -%}
{% endmacro %}

{% macro charge_select(relation, known, may_be_ai="true") %}
    {#-
        Select all columns of a charge from a relation that has the `known` ones; the others are NULL. A source
        prices in its billing currency, unless it has columns in pricing currency of its own. A detail of
        something that has no id is NULL (`charge_value`). A charge without dates takes those
        of its billing period, and a period without dates those of the billing month, so that every charge has a
        day and an owner on that day. `may_be_ai`: whether the charge can be of AI, by the vendor's own columns
        alone. A reader of AI charges filters by it first, and the engine skips all other lines.
    -#}
    {%- set same_in_billing_currency = {
        "pricing_currency_contracted_unit_price": "contracted_unit_price",
        "pricing_currency_effective_cost": "effective_cost",
        "pricing_currency_list_unit_price": "list_unit_price",
    } %}
    select
        {%- for column in charge_columns() -%}
            {%- if column in timestamp_columns() -%} {%- set value = charge_time(column) -%}
            {%- elif column in known -%} {%- set value = charge_value(column) -%}
            {%- elif column in same_in_billing_currency and same_in_billing_currency[column] in known -%}
                {%- set value = same_in_billing_currency[column] -%}
            {%- else -%} {%- set value = "null" -%}
            {%- endif %}
            cast({{ value }} as {{ charge_column_type(column) }}) as {{ column }},
        {%- endfor %}
        {{ may_be_ai }} as may_be_ai
    from {{ relation }}
{% endmacro %}

{% macro charge_value(column) %}
    {#-
        A column of a charge as the ledger takes it. A detail of something is there only where that has an id, as
        FOCUS wants: here are the details, each with the column of the id.
    -#}
    {%- set identity = {
        "allocated_resource_name": "allocated_resource_id",
        "capacity_reservation_status": "capacity_reservation_id",
        "commitment_discount_category": "commitment_discount_id",
        "commitment_discount_name": "commitment_discount_id",
        "commitment_discount_quantity": "commitment_discount_id",
        "commitment_discount_status": "commitment_discount_id",
        "commitment_discount_type": "commitment_discount_id",
        "commitment_discount_unit": "commitment_discount_id",
        "resource_name": "resource_id",
        "resource_type": "resource_id",
        "sku_meter": "sku_id",
        "sku_price_details": "sku_price_id",
        "sub_account_name": "sub_account_id",
        "sub_account_type": "sub_account_id",
    }[column] -%}
    {%- if identity -%} case when {{ identity }} is not null then {{ column }} end
    {%- else -%} {{ column }}
    {%- endif -%}
{%- endmacro %}

{% macro charge_time(column) %}
    {#- A time of a charge; where the vendor gives none, that of the billing period, or else of the billing month. -#}
    {%- set month_start -%} cast(billing_month || '-01' as timestamp) {%- endset -%}
    {%- set instead = {
        "billing_period_start": month_start,
        "billing_period_end": month_start ~ " + interval '1' month",
        "charge_period_start": "billing_period_start, " ~ month_start,
        "charge_period_end": "case when billing_period_end > charge_period_start then billing_period_end end, "
        ~ "charge_period_start + interval '1' hour, billing_period_end, " ~ month_start ~ " + interval '1' month",
    } -%}
    coalesce({{ column }}, {{ instead[column] }})
{%- endmacro %}

{% macro attribution_columns() %}
    {#- The attribution columns of a request: who made it, and what for. -#}
    {{ return(["actor_id", "service_id", "customer_id", "workflow_id", "feature", "environment"]) }}
{% endmacro %}

{% macro cost_columns() %}
    {#- FOCUS's four costs, in billing currency. -#}
    {{ return(["billed_cost", "effective_cost", "list_cost", "contracted_cost"]) }}
{% endmacro %}

{%- set known = [
    "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
    "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
    "billing_account_type", "billing_currency", "pricing_currency", "billing_period_start", "billing_period_end",
    "charge_category", "charge_description", "charge_frequency", "charge_period_start", "charge_period_end",
    "consumed_quantity", "consumed_unit", "pricing_quantity", "pricing_unit", "pricing_category",
    "list_unit_price", "contracted_unit_price", "invoice_issuer_name", "service_provider_name",
    "host_provider_name", "provider_name", "publisher_name", "service_name", "service_category",
    "service_subcategory", "sku_id", "sku_meter", "sku_price_id", "sku_price_details", "sub_account_id",
    "sub_account_name", "sub_account_type", "tags", "claims", "ai_provider", "ai_model", "ai_token_class",
    "ai_service_tier", "ai_account",
] + attribution_columns() -%}
{%- set token_classes = ["input", "cached_input", "cache_write_5m", "cache_write_1h", "output"] -%}

-- Unbilled requests as charges at list price: estimates. They make their requests' claims and carry no
-- invoice. The refresh that brings the bill rebuilds the month and replaces them.
with
    summed as (select * from {{ ref("int_llm_estimates__summed") }} where ai_provider is not null),

    classed as (
        {% for class, _ in llm_cost_classes() %}
            select
                summed.*,
                '{{ class }}' as meter,
                {% if class in token_classes %} '{{ class }}'
                {% else %} cast(null as string)
                {% endif %} as ai_token_class,
                {{ class }}_quantity as quantity,
                {{ class }}_cost as cost
            from summed
            where
                {% if class == "request" %} {{ class }}_cost <> 0
                {% else %} {{ class }}_quantity > 0 or {{ class }}_cost <> 0
                {% endif %}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    measured as (
        select
            classed.*,
            cast(usage_day as timestamp) as charge_period_start,
            cast(billing_month || '-01' as timestamp) as billing_period_start,
            case
                when ai_token_class is not null
                then {{ decimal_product("quantity", "0.000001") }}
                else cast(quantity as decimal(38, 12))
            end as pricing_quantity,
            case when ai_token_class is not null then 'Tokens' else 'Requests' end as consumed_unit,
            ai_provider || '/' || ai_model || '/' || meter as sku_id
        from classed
    ),

    divided as (
        select
            measured.*,
            case
                when pricing_quantity > 0 then {{ unit_price("cost", "pricing_quantity") }}
            end as rounded_price
        from measured
    ),

    described as (
        select
            source,
            slice_id,
            load_id,
            billing_month,
            {{ md5_key(["source", "billing_month", "meter"] + (estimated_groups() | map(attribute=1) | list)) }}
            as charge_key,
            source
            || '|'
            || ai_provider
            || '|'
            || cast(usage_day as string)
            || '|'
            || coalesce(ai_account, '')
            || '|'
            || ai_model
            || '|'
            || meter
            || case
                when ai_service_tier = 'standard' then '' else '|' || ai_service_tier
            end as vendor_charge_id,
            {% for measure in cost_columns() %} cost as {{ measure }}, {% endfor %}
            ai_provider as billing_account_id,
            ai_provider || ' (no bill)' as billing_account_name,
            'Estimate' as billing_account_type,
            'USD' as billing_currency,
            'USD' as pricing_currency,
            billing_period_start,
            billing_period_start + interval '1' month as billing_period_end,
            'Usage' as charge_category,
            'Estimated at list price: ' || ai_model || ', ' || meter as charge_description,
            'Usage-Based' as charge_frequency,
            charge_period_start,
            charge_period_start + interval '1' day as charge_period_end,
            cast(quantity as decimal(38, 12)) as consumed_quantity,
            consumed_unit,
            pricing_quantity,
            case when consumed_unit = 'Tokens' then '1000000 Tokens' else consumed_unit end as pricing_unit,
            'Standard' as pricing_category,
            {% for price in ["list_unit_price", "contracted_unit_price"] %}
                {{ consistent_unit_price("rounded_price", "pricing_quantity", "cost") }} as {{ price }},
            {% endfor %}
            ai_provider as invoice_issuer_name,
            ai_provider as service_provider_name,
            ai_provider as host_provider_name,
            ai_provider as provider_name,
            ai_provider as publisher_name,
            ai_provider || ' API' as service_name,
            'AI and Machine Learning' as service_category,
            'Generative AI' as service_subcategory,
            sku_id,
            meter as sku_meter,
            sku_id || '/' || ai_service_tier as sku_price_id,
            {{ json_object([["x_PriceBookVersion", "price_book_version"]]) }} as sku_price_details,
            ai_account as sub_account_id,
            ai_account as sub_account_name,
            case when ai_account is not null then 'Account' end as sub_account_type,
            '{}' as tags,
            claims,
            ai_provider,
            ai_model,
            ai_token_class,
            ai_service_tier,
            ai_account
            {% for column in attribution_columns() %}, {{ column }} {% endfor %}
        from divided
    )

    {{ charge_select("described", known) }}

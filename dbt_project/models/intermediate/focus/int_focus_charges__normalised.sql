-- Rows of FOCUS files as charges in FOCUS 1.4, exports that are only compared included. Columns that older
-- versions lack are filled in; the description names what breaks the specification. Money is never
-- changed.
{% set known = ["availability_zone", "invoice_detail_id", "capacity_reservation_id",
    "capacity_reservation_status", "commitment_discount_category", "commitment_discount_id",
    "commitment_discount_name", "commitment_discount_quantity", "commitment_discount_status",
    "commitment_discount_type", "commitment_discount_unit", "commitment_program_eligibility_details",
    "contract_applied", "allocated_method_details", "allocated_method_id", "allocated_resource_id",
    "allocated_resource_name", "allocated_tags", "pricing_currency_contracted_unit_price",
    "pricing_currency_list_unit_price", "region_id", "region_name", "resource_id", "sku_id", "sku_meter",
    "sku_price_details", "sub_account_id"] -%}
{#- FOCUS's words, compared without case. -#}
{% set use_words = {
    "capacity_reservation_status": focus_use_status("capacity_reservation_status"),
    "commitment_discount_category": focus_commitment_category("commitment_discount_category"),
    "commitment_discount_status": focus_use_status("commitment_discount_status"),
} -%}
{#- Prices in billing currency are those in pricing currency where they are one currency and the vendor has no others. -#}
{%- set is_one_currency = "coalesce(pricing_currency, billing_currency) = billing_currency and price_id is not null" -%}
{% set own_prices = {
    "pricing_currency_contracted_unit_price": "case when " ~ is_one_currency ~ " and has_contracted_price then priced.contracted_unit_price end",
    "pricing_currency_list_unit_price": "case when " ~ is_one_currency ~ " and has_list_price then priced.list_unit_price end",
} -%}
{% set filled = [
            "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
            "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
            "billing_account_type", "billing_currency", "pricing_currency", "pricing_currency_effective_cost",
            "billing_period_start", "billing_period_end", "charge_category", "charge_class", "charge_description",
            "charge_frequency", "charge_period_start", "charge_period_end", "consumed_quantity", "consumed_unit",
            "pricing_quantity", "pricing_unit", "pricing_category", "list_unit_price", "contracted_unit_price",
            "invoice_id", "invoice_issuer_name", "service_provider_name", "host_provider_name", "provider_name",
            "publisher_name", "resource_name", "resource_type", "service_name", "service_category",
            "service_subcategory", "sku_price_id", "sub_account_name", "sub_account_type", "tags", "claims",
        ] -%}
with
    delivered as (select * from {{ ref("stg_focus__cost_and_usage") }}),

    aws_services as (select * from {{ ref("aws_services") }}),

    required_kinds as (select * from {{ ref("int_claim_kinds__required") }}),

    named as (
        select
            delivered.*,
            coalesce(
                service_provider_name, provider_name, invoice_issuer_name, publisher_name, 'Unknown'
            ) as provider,
            coalesce(
                {{ json_text("extra", "x_ServiceCode") }}, {{ json_text("extra", "x_servicecode") }}
            ) as aws_service_code,
            coalesce(
                {{ json_text("extra", "x_CostCategories") }}, {{ json_text("extra", "x_costcategories") }}
            ) as cost_categories,
            {{
                md5_key([
                    "slice_id", "charge_period_start", "charge_period_end", "charge_category", "charge_class",
                    "charge_description", "billing_account_id", "sub_account_id", "resource_id", "service_name",
                    "region_id", "sku_id", "sku_price_id", "sku_meter", "pricing_category", "commitment_discount_id",
                    "commitment_discount_status", "allocated_method_id", "allocated_resource_id", "tags", "extra",
                    "billing_currency", "billed_cost", "effective_cost", "list_cost", "contracted_cost",
                    "pricing_quantity", "consumed_quantity", "invoice_id",
                ])
            }}
            as content_key
        from delivered
    ),

    checked as (
        select
            named.*,
            aws_services.service_name as aws_service_name,
            lower(provider) = 'aws' or lower(provider) like 'amazon web services%' as is_aws,
            coalesce(tags, '{}') <> '{}' as has_tags,
            row_number() over (partition by load_id, content_key order by content_key) as occurrence,
            {{ focus_category("charge_category") }} as known_category,
            coalesce(
                lower(charge_category) = 'tax' and billed_cost <> effective_cost, false
            ) as is_uneven_tax,
            charge_period_end is null or charge_period_start >= charge_period_end as is_reversed,
            -- A month that begins at midnight of the vendor's zone, before it does in UTC.
            coalesce(
                {{ month_text("billing_period_start") }} < billing_month
                and {{ month_text("billing_period_start + interval 14 hour") }} = billing_month,
                false
            ) as is_zoned,
            case when billed_cost = 0 then effective_cost else billed_cost end as own_worth
        from named
        left join aws_services on named.aws_service_code = aws_services.product_code
    ),

    sorted as (
        select
            checked.*,
            {{ focus_frequency("checked.charge_frequency") }} as known_frequency,
            coalesce(
                {{ focus_service_category("checked.service_category") }}, checked.service_category, 'Other'
            ) as category_of_service,
            case
                when is_uneven_tax then 'Adjustment' else coalesce(known_category, 'Adjustment')
            end as category,
            coalesce(checked.list_cost, checked.contracted_cost, own_worth) as worth
        from checked
    ),

    priced as (
        select
            sorted.*,
            coalesce(
                sku_price_id,
                sku_id,
                case
                    when category in ('Usage', 'Purchase')
                    then
                        provider
                        || '/'
                        || coalesce(sku_meter, sorted.service_name, category)
                        || '/'
                        || coalesce(pricing_unit, 'Units')
                end
            ) as price_id,
            {{ unit_price_matches_cost("sorted.list_unit_price", "sorted.pricing_quantity", "worth") }}
            as has_list_price,
            {{
                unit_price_matches_cost(
                    "sorted.contracted_unit_price", "sorted.pricing_quantity", "coalesce(sorted.contracted_cost, worth)"
                )
            }}
            as has_contracted_price
        from sorted
    ),

    described as (
        select
            'focus' as source,
            is_compare_only,
            export_name,
            slice_id,
            load_id,
            billing_month,
            {{ md5_key(["'focus'", "content_key", "occurrence"]) }} as charge_key,
            {% for column in known %}
                {% if column in use_words -%} coalesce({{ use_words[column] }}, {{ column }}) as {{ column }},
                {%- elif column in own_prices -%}
                    coalesce({{ column }}, {{ own_prices[column] }}) as {{ column }},
                {%- else -%} {{ column }},
                {%- endif %}
            {% endfor %}
            -- FOCUS gives a row no id.
            coalesce(
                {{ json_text("extra", "x_ChargeId") }},
                export_name
                || '|'
                || cast(cast(charge_period_start as date) as string)
                || '|'
                || coalesce(sub_account_id, '')
                || '|'
                || coalesce(resource_id, '')
                || '|'
                || coalesce(price_id, '')
                || '|'
                || category
            ) as vendor_charge_id,
            priced.billed_cost,
            priced.effective_cost,
            worth as list_cost,
            coalesce(priced.contracted_cost, worth) as contracted_cost,
            coalesce(billing_account_id, export_name) as billing_account_id,
            coalesce(billing_account_name, billing_account_id, export_name) as billing_account_name,
            coalesce(billing_account_type, 'Billing Account') as billing_account_type,
            billing_currency,
            coalesce(pricing_currency, billing_currency) as pricing_currency,
            case
                when pricing_currency_effective_cost is not null
                then pricing_currency_effective_cost
                when coalesce(pricing_currency, billing_currency) = billing_currency
                then priced.effective_cost
            end as pricing_currency_effective_cost,
            case
                when is_zoned
                then cast(billing_month || '-01 00:00:00' as timestamp)
                else billing_period_start
            end as billing_period_start,
            case
                when is_zoned
                then cast(billing_month || '-01 00:00:00' as timestamp) + interval 1 month
                when billing_period_end > billing_period_start
                then billing_period_end
                else billing_period_start + interval 1 month
            end as billing_period_end,
            category as charge_category,
            case when lower(charge_class) = 'correction' then 'Correction' end as charge_class,
            case
                when known_category is null
                then 'other: ' || coalesce(charge_category, 'no category') || ': '
                else ''
            end || case
                when is_uneven_tax then 'other: Tax whose effective cost is not its billed cost: ' else ''
            end
            || case when is_reversed then 'charge period without length: ' else '' end
            || coalesce(charge_description, priced.service_name, category) as charge_description,
            case
                when
                    known_frequency is not null
                    and not (category = 'Purchase' and known_frequency = 'Usage-Based')
                then known_frequency
                when category = 'Usage'
                then 'Usage-Based'
                when category = 'Purchase' and charge_frequency is not null
                then 'Recurring'
                else 'One-Time'
            end as charge_frequency,
            charge_period_start,
            case
                when is_reversed then charge_period_start + interval 1 hour else charge_period_end
            end as charge_period_end,
            case
                when consumed_unit is not null or consumed_quantity is not null then consumed_quantity
            end as consumed_quantity,
            case
                when consumed_quantity is not null then coalesce(consumed_unit, 'Units')
            end as consumed_unit,
            case when price_id is not null then priced.pricing_quantity end as pricing_quantity,
            case
                when price_id is not null and priced.pricing_quantity is not null
                then coalesce(pricing_unit, 'Units')
            end as pricing_unit,
            coalesce(
                {{ focus_pricing_category("pricing_category") }},
                case when pricing_category is not null then 'Other' end
            ) as pricing_category,
            case
                when price_id is not null and has_list_price then priced.list_unit_price
            end as list_unit_price,
            case
                when price_id is not null and has_contracted_price then priced.contracted_unit_price
            end as contracted_unit_price,
            coalesce(
                invoice_id, 'provisional:' || coalesce(invoice_issuer_name, provider) || ':' || billing_month
            ) as invoice_id,
            coalesce(invoice_issuer_name, provider) as invoice_issuer_name,
            provider as service_provider_name,
            coalesce(host_provider_name, publisher_name) as host_provider_name,
            coalesce(provider_name, provider) as provider_name,
            coalesce(publisher_name, host_provider_name, provider) as publisher_name,
            case when resource_id is not null then resource_name end as resource_name,
            case when resource_id is not null then coalesce(resource_type, 'Resource') end as resource_type,
            coalesce(priced.service_name, provider) as service_name,
            category_of_service as service_category,
            coalesce(service_subcategory, 'Other (' || category_of_service || ')') as service_subcategory,
            price_id as sku_price_id,
            case
                when sub_account_id is not null then coalesce(sub_account_name, sub_account_id)
            end as sub_account_name,
            case
                when sub_account_id is not null
                then coalesce(sub_account_type, case when is_aws then 'Account' else 'Sub Account' end)
            end as sub_account_type,
            coalesce(tags, '{}') as tags,
            {{ json_object(focus_claims()) }} as claims
        from priced
        cross join required_kinds
    )

select
    is_compare_only,
    export_name,
    {% for column in charge_columns() -%}
        {%- set value = charge_value(column) if column in known + filled else "null" -%}
        cast({{ value }} as {{ charge_column_type(column) }}) as {{ column }}{{ "," if not loop.last }}
    {% endfor %}
from described

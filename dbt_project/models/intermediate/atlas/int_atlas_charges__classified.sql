{%- set tag_claims = [] -%}
{%- for key in claim_tag_keys() -%}
    {%- do tag_claims.append(["atlas_tag:" ~ key, json_first_of_list("tags", key)]) -%}
{%- endfor -%}

-- Invoice lines in FOCUS terms. Billed cost is in whole cents; list cost is quantity × unit price.
with
    lines as (select * from {{ ref("stg_atlas__invoice_line_items") }}),

    units as (select * from {{ ref("atlas_units") }}),

    keyed as (
        select
            lines.*,
            kind = 'line_item' and total_price >= 0 and coalesce(quantity, 0) > 0 as is_priced,
            -- Without a unit price, or with a product that is out of range, list cost is what is billed.
            case
                when {{ is_multipliable("quantity", "unit_price") }}
                then {{ decimal_product("quantity", "unit_price") }}
            end as product,
            case
                when kind = 'sales_tax'
                then 'Tax'
                when kind = 'credit'
                then 'Credit'
                when kind = 'refund'
                then 'Adjustment'
                when total_price < 0
                then 'Credit'
                when coalesce(quantity, 0) <= 0
                then 'Adjustment'
                else 'Usage'
            end as category
        from lines
    ),

    described as (
        select
            'atlas' as source,
            slice_id,
            load_id,
            billing_month,
            {{ md5_key(["'atlas'", "slice_id", "line_number", "kind"]) }} as charge_key,
            invoice_id
            || '|'
            || coalesce(cast(cast(start_date as date) as string), '')
            || '|'
            || coalesce(sku, kind)
            || '|'
            || coalesce(group_id, '')
            || '|'
            || coalesce(cluster_name, '') as vendor_charge_id,
            total_price as billed_cost,
            total_price as effective_cost,
            case when is_priced then coalesce(product, total_price) else total_price end as list_cost,
            case when is_priced then coalesce(product, total_price) else total_price end as contracted_cost,
            org_id as billing_account_id,
            org_id as billing_account_name,
            'Organization' as billing_account_type,
            currency as billing_currency,
            currency as pricing_currency,
            invoice_start as billing_period_start,
            invoice_end as billing_period_end,
            category as charge_category,
            case when kind = 'refund' then 'Correction' end as charge_class,
            coalesce(sku, kind) || coalesce(' ' || cluster_name, '') as charge_description,
            case when category = 'Usage' then 'Usage-Based' else 'One-Time' end as charge_frequency,
            start_date as charge_period_start,
            end_date as charge_period_end,
            case when is_priced then quantity end as consumed_quantity,
            case when is_priced then coalesce(units.focus_unit, 'Units') end as consumed_unit,
            case when is_priced then quantity end as pricing_quantity,
            case when is_priced then coalesce(units.focus_unit, 'Units') end as pricing_unit,
            case when is_priced then 'Standard' end as pricing_category,
            case
                when is_priced and unit_price >= 0 and product is not null then unit_price
            end as list_unit_price,
            case
                when is_priced and unit_price >= 0 and product is not null then unit_price
            end as contracted_unit_price,
            invoice_id,
            'MongoDB' as invoice_issuer_name,
            'MongoDB' as service_provider_name,
            case when cloud_provider <> 'ATLAS' then cloud_provider end as host_provider_name,
            'MongoDB' as provider_name,
            'MongoDB' as publisher_name,
            'MongoDB Atlas' as service_name,
            'Databases' as service_category,
            'NoSQL Databases' as service_subcategory,
            case when is_priced then coalesce(sku, 'unnamed') end as sku_id,
            sku as sku_meter,
            case
                when is_priced
                then coalesce(sku, 'unnamed') || coalesce('/' || {{ decimal_text("unit_price") }}, '')
            end as sku_price_id,
            group_id as sub_account_id,
            coalesce(group_name, group_id) as sub_account_name,
            case when group_id is not null then 'Project' end as sub_account_type,
            {{ atlas_cluster() }} as resource_id,
            cluster_name as resource_name,
            case when cluster_name is not null then 'Cluster' end as resource_type,
            {{ json_object([["team", json_first_of_list("tags", "team")], ["service", json_first_of_list("tags", "service")]]) }}
            as tags,
            {{
                json_object(tag_claims + [
                    ["atlas_cluster", atlas_cluster()],
                    ["atlas_cluster_name", "cluster_name"],
                    ["atlas_project", "group_id"],
                    ["atlas_organization", "case when group_id is null then org_id end"],
                    ["source", "'atlas'"],
                ])
            }} as claims
        from keyed
        left join units on keyed.unit = units.unit
    )

    {{
    charge_select(
        "described",
        [
            "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
            "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
            "billing_account_type", "billing_currency", "pricing_currency", "billing_period_start",
            "billing_period_end", "charge_category", "charge_class", "charge_description", "charge_frequency",
            "charge_period_start", "charge_period_end", "consumed_quantity", "consumed_unit", "pricing_quantity",
            "pricing_unit", "pricing_category", "list_unit_price", "contracted_unit_price", "invoice_id",
            "invoice_issuer_name", "service_provider_name", "host_provider_name", "provider_name",
            "publisher_name", "service_name", "service_category", "service_subcategory", "sku_id", "sku_meter",
            "sku_price_id", "sub_account_id", "sub_account_name", "sub_account_type", "resource_id",
            "resource_name", "resource_type", "tags", "claims",
        ],
    )
}}

{%- set tag_claims = [] -%}
{%- for key in claim_tag_keys() -%}
    {%- do tag_claims.append(["atlas_tag:" ~ key, atlas_tag(key)]) -%}
{%- endfor -%}

-- Invoice lines in FOCUS terms. Billed cost is in whole cents, and list cost is quantity × unit price.
-- An invoice shows an item below a cent as 0: it costs quantity × unit price here, and a line
-- `rounding` of the invoice takes it back.
with
    lines as (select * from {{ ref("stg_atlas__invoice_line_items") }}),

    units as (select * from {{ ref("atlas_units") }}),

    clusters as (select * from {{ ref("int_atlas_clusters__versioned") }}),

    projects as (select * from {{ ref("int_atlas_projects__versioned") }}),

    multiplied as (
        select
            lines.*,
            -- Without a unit price, or with a product that is out of range, list cost is what is
            -- billed.
            case
                when {{ is_multipliable("quantity", "unit_price") }}
                then {{ decimal_product("quantity", "unit_price") }}
            end as product
        from lines
    ),

    exact as (
        select
            multiplied.*,
            case
                when
                    kind = 'line_item'
                    and total_price = 0
                    and product > 0
                    and product < 0.01
                    and coalesce(discount, 0) = 0
                    and coalesce(percent_discount, 0) = 0
                then product
                else total_price
            end as cost
        from multiplied
    ),

    roundings as (
        select
            slice_id,
            load_id,
            billing_month,
            invoice_id,
            org_id,
            invoice_start,
            invoice_end,
            currency,
            cast(sum(total_price - cost) as decimal(38, 12)) as cost
        from exact
        where cost <> total_price
        group by slice_id, load_id, billing_month, invoice_id, org_id, invoice_start, invoice_end, currency
    ),

    -- A line that has no tag has its cluster's, or else its project's, of its day.
    tagged as (
        select
            exact.slice_id,
            exact.load_id,
            exact.billing_month,
            exact.invoice_id,
            exact.org_id,
            exact.invoice_start,
            exact.invoice_end,
            exact.currency,
            exact.cost,
            exact.kind,
            exact.line_number,
            exact.sku,
            exact.group_id,
            coalesce(exact.group_name, projects.project_name) as group_name,
            exact.cluster_name,
            exact.cloud_provider,
            exact.start_date,
            exact.end_date,
            exact.quantity,
            exact.unit,
            exact.unit_price,
            exact.product,
            exact.tags,
            clusters.tags as cluster_tags,
            projects.tags as project_tags,
            projects.team_name
        from exact
        left join
            clusters
            on exact.group_id = clusters.project_id
            and exact.cluster_name = clusters.cluster_name
            and exact.start_date >= clusters.held_from
            and exact.start_date < clusters.held_to
        left join
            projects
            on exact.group_id = projects.project_id
            and exact.start_date >= projects.held_from
            and exact.start_date < projects.held_to

        union all

        select
            slice_id,
            load_id,
            billing_month,
            invoice_id,
            org_id,
            invoice_start,
            invoice_end,
            currency,
            cost,
            'rounding' as kind,
            null as line_number,
            null as sku,
            null as group_id,
            null as group_name,
            null as cluster_name,
            null as cloud_provider,
            invoice_start as start_date,
            invoice_end as end_date,
            null as quantity,
            null as unit,
            null as unit_price,
            null as product,
            '{}' as tags,
            null as cluster_tags,
            null as project_tags,
            null as team_name
        from roundings
    ),

    keyed as (
        select
            tagged.*,
            kind = 'line_item' and cost >= 0 and coalesce(quantity, 0) > 0 as is_priced,
            kind = 'line_item' and {{ atlas_is_ai("sku") }} as is_ai,
            case
                when kind = 'sales_tax'
                then 'Tax'
                when kind = 'credit'
                then 'Credit'
                when kind = 'refund'
                then 'Adjustment'
                when kind = 'rounding'
                then 'Adjustment'
                when cost < 0
                then 'Credit'
                when coalesce(quantity, 0) <= 0
                then 'Adjustment'
                else 'Usage'
            end as category
        from tagged
    ),

    described as (
        select
            'atlas' as source,
            slice_id,
            load_id,
            billing_month,
            case
                when kind = 'rounding'
                then {{ md5_key(["'atlas'", "slice_id", "invoice_id", "kind"]) }}
                else {{ md5_key(["'atlas'", "slice_id", "line_number", "kind"]) }}
            end as charge_key,
            invoice_id
            || '|'
            || coalesce(cast(cast(start_date as date) as string), '')
            || '|'
            || coalesce(sku, kind)
            || '|'
            || coalesce(group_id, '')
            || '|'
            || coalesce(cluster_name, '') as vendor_charge_id,
            cost as billed_cost,
            cost as effective_cost,
            case when is_priced then coalesce(product, cost) else cost end as list_cost,
            case when is_priced then coalesce(product, cost) else cost end as contracted_cost,
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
            case when is_ai then 'AI and Machine Learning' else 'Databases' end as service_category,
            case when is_ai then 'Generative AI' else 'NoSQL Databases' end as service_subcategory,
            -- Atlas's model APIs, automated embedding and reranking run models of Voyage AI.
            case when is_ai then 'voyage' end as ai_provider,
            case when is_ai then {{ atlas_ai_model("sku") }} end as ai_model,
            case when is_ai and lower(tagged.unit) like '%token%' then 'input' end as ai_token_class,
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
            {{ json_object([["team", atlas_tag("team")], ["service", atlas_tag("service")]]) }} as tags,
            {{
                json_object(tag_claims + [
                    ["atlas_cluster", atlas_cluster()],
                    ["atlas_cluster_name", "cluster_name"],
                    ["atlas_project", "group_id"],
                    ["atlas_team", "team_name"],
                    ["atlas_organization", "case when group_id is null then org_id end"],
                    ["source", "'atlas'"],
                ])
            }} as claims
        from keyed as tagged
        left join units on tagged.unit = units.unit
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
            "resource_name", "resource_type", "tags", "claims", "ai_provider", "ai_model", "ai_token_class",
        ],
    )
}}

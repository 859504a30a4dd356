{%- set tag_claims = [] -%}
{%- for key in claim_tag_keys() -%}
    {%- do tag_claims.append(["atlas_tag:" ~ key, atlas_tag(key)]) -%}
{%- endfor -%}

{%- set own_price -%}
    case when unit_price >= 0 and product is not null then unit_price end
{%- endset -%}

-- Invoice lines in FOCUS terms. What the FOCUS report has of a line counts first; otherwise list cost is
-- quantity × unit price.
with
    lines as (select * from {{ ref("int_atlas_lines__detailed") }}),

    units as (select * from {{ ref("atlas_units") }}),

    clusters as (select * from {{ ref("int_atlas_clusters__versioned") }}),

    projects as (select * from {{ ref("int_atlas_projects__versioned") }}),

    -- A line that has no tag has its cluster's, or else its project's, of its day.
    tagged as (
        select
            lines.*,
            projects.project_name,
            clusters.tags as cluster_tags,
            projects.tags as project_tags,
            projects.team_name
        from lines
        left join
            clusters
            on lines.group_id = clusters.project_id
            and lines.cluster_name = clusters.cluster_name
            and lines.start_date >= clusters.held_from
            and lines.start_date < clusters.held_to
        left join
            projects
            on lines.group_id = projects.project_id
            and lines.start_date >= projects.held_from
            and lines.start_date < projects.held_to
    ),

    keyed as (
        select
            tagged.*,
            kind in ('line_item', 'report_row')
            and billed_cost >= 0
            and coalesce(quantity, 0) > 0 as is_priced,
            kind in ('line_item', 'report_row') and {{ atlas_is_ai("sku", "sku_category") }} as is_ai,
            case
                when kind = 'sales_tax'
                then 'Tax'
                when kind in ('credit', 'applied_credit')
                then 'Credit'
                when kind = 'refund'
                then 'Adjustment'
                when kind = 'rounding'
                then 'Adjustment'
                when charge_category in ('Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment')
                then charge_category
                when billed_cost < 0
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
                when kind in ('rounding', 'applied_credit')
                then {{ md5_key(["'atlas'", "slice_id", "invoice_id", "kind"]) }}
                when kind = 'report_row'
                then {{ md5_key(["'atlas'", "slice_id", "invoice_id", "line_number", "kind"]) }}
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
            billed_cost,
            effective_cost,
            coalesce(list_cost, case when is_priced then product end, billed_cost) as list_cost,
            coalesce(contracted_cost, case when is_priced then product end, billed_cost) as contracted_cost,
            org_id as billing_account_id,
            org_id as billing_account_name,
            'Organization' as billing_account_type,
            currency as billing_currency,
            coalesce(pricing_currency, currency) as pricing_currency,
            coalesce(pricing_currency_effective_cost, effective_cost) as pricing_currency_effective_cost,
            case
                when is_priced then coalesce(pricing_currency_list_unit_price, {{ own_price }})
            end as pricing_currency_list_unit_price,
            case
                when is_priced then coalesce(pricing_currency_contracted_unit_price, {{ own_price }})
            end as pricing_currency_contracted_unit_price,
            invoice_start as billing_period_start,
            invoice_end as billing_period_end,
            category as charge_category,
            case when kind = 'refund' then 'Correction' end as charge_class,
            coalesce(
                charge_description, coalesce(sku, kind) || coalesce(' ' || cluster_name, '')
            ) as charge_description,
            case when category = 'Usage' then 'Usage-Based' else 'One-Time' end as charge_frequency,
            start_date as charge_period_start,
            end_date as charge_period_end,
            case when is_priced then quantity end as consumed_quantity,
            case
                when is_priced
                then coalesce(units.focus_unit, case when kind = 'report_row' then keyed.unit end, 'Units')
            end as consumed_unit,
            case when is_priced then quantity end as pricing_quantity,
            case
                when is_priced
                then coalesce(units.focus_unit, case when kind = 'report_row' then keyed.unit end, 'Units')
            end as pricing_unit,
            case when is_priced then 'Standard' end as pricing_category,
            case when is_priced then coalesce(list_unit_price, {{ own_price }}) end as list_unit_price,
            case
                when is_priced then coalesce(contracted_unit_price, {{ own_price }})
            end as contracted_unit_price,
            invoice_id,
            coalesce(invoice_issuer_name, 'MongoDB') as invoice_issuer_name,
            'MongoDB' as service_provider_name,
            coalesce(
                host_provider_name, case when cloud_provider <> 'ATLAS' then cloud_provider end
            ) as host_provider_name,
            region_id,
            region_name,
            -- Atlas gives the name of the credit that covers a row.
            {{ contract_applied("contract_applied", "contract_applied", "effective_cost", "keyed.unit", "true") }}
            as contract_applied,
            'MongoDB' as provider_name,
            'MongoDB' as publisher_name,
            -- A service has one category.
            case when is_ai then 'MongoDB Atlas AI' else 'MongoDB Atlas' end as service_name,
            case when is_ai then 'AI and Machine Learning' else 'Databases' end as service_category,
            case when is_ai then 'Generative AI' else 'NoSQL Databases' end as service_subcategory,
            -- Atlas's model APIs, automated embedding and reranking run models of Voyage AI.
            case when is_ai then 'voyage' end as ai_provider,
            case when is_ai then {{ atlas_ai_model("sku") }} end as ai_model,
            case when is_ai and lower(keyed.unit) like '%token%' then 'input' end as ai_token_class,
            case when is_priced then coalesce(sku_id, sku, 'unnamed') end as sku_id,
            coalesce(sku, sku_meter) as sku_meter,
            case
                when is_priced
                then
                    coalesce(
                        sku_price_id,
                        coalesce(sku, 'unnamed') || coalesce('/' || {{ decimal_text("unit_price") }}, '')
                    )
            end as sku_price_id,
            sku_price_details,
            group_id as sub_account_id,
            coalesce(group_name, project_name, group_id) as sub_account_name,
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
        from keyed
        left join units on keyed.unit = units.unit
    )

    {{
    charge_select(
        "described",
        [
            "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
            "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
            "billing_account_type", "billing_currency", "pricing_currency", "pricing_currency_effective_cost",
            "pricing_currency_list_unit_price", "pricing_currency_contracted_unit_price", "billing_period_start",
            "billing_period_end", "charge_category", "charge_class", "charge_description", "charge_frequency",
            "charge_period_start", "charge_period_end", "consumed_quantity", "consumed_unit", "pricing_quantity",
            "pricing_unit", "pricing_category", "list_unit_price", "contracted_unit_price", "invoice_id",
            "invoice_issuer_name", "service_provider_name", "host_provider_name", "provider_name",
            "publisher_name", "region_id", "region_name", "contract_applied", "service_name", "service_category",
            "service_subcategory", "sku_id", "sku_meter", "sku_price_id", "sku_price_details", "sub_account_id",
            "sub_account_name", "sub_account_type", "resource_id", "resource_name", "resource_type", "tags",
            "claims", "ai_provider", "ai_model", "ai_token_class",
        ],
    )
}}

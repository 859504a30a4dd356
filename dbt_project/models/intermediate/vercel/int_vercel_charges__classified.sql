-- Vercel's rows are in FOCUS terms. They lack account, billing period, list and contracted cost, and a
-- key: they have no id and may repeat.
with
    charges as (select * from {{ ref("stg_vercel__charges") }}),

    service_map as (select * from {{ ref("vercel_services") }}),

    projects as (select * from {{ ref("int_vercel_projects__versioned") }}),

    teams as (select * from {{ ref("int_vercel_teams__named") }}),

    committed_days as (select * from {{ ref("int_vercel_days__committed") }}),

    identified as (
        select
            charges.*,
            -- A category that FOCUS does not have becomes an adjustment; the description names it.
            coalesce({{ focus_category("charge_category") }}, 'Adjustment') as category,
            coalesce(
                {{ focus_pricing_category("pricing_category") }},
                case when pricing_category is null then 'Standard' else 'Other' end
            ) as known_pricing_category,
            {{ json_text("tags", "ProjectId") }} as project_id,
            {{ json_text("tags", "ProjectName") }} as tagged_project_name,
            {{
                md5_key([
                    "team_id", "charge_date", "sku_id", "service_name", "region_id", "tags", "charge_category",
                    "pricing_category", "billed_cost", "effective_cost", "consumed_quantity", "pricing_quantity",
                ])
            }}
            as content_key
        from charges
    ),

    numbered as (
        select
            identified.*,
            row_number() over (partition by load_id, slice_id, content_key order by content_key) as occurrence
        from identified
    ),

    -- A charge that names its project by id alone has its name from the list of projects, as it was on that
    -- day.
    known as (
        select
            numbered.*,
            coalesce(numbered.tagged_project_name, projects.project_name) as project_name,
            projects.access_group_name,
            teams.team_name,
            committed_days.contract_id,
            committed_days.contract_commitment_id,
            committed_days.is_spend
        from numbered
        left join
            projects
            on numbered.project_id = projects.project_id
            and numbered.charge_period_start >= projects.held_from
            and numbered.charge_period_start < projects.held_to
        left join teams on numbered.team_id = teams.team_id
        left join
            committed_days
            on numbered.category = 'Usage'
            and numbered.known_pricing_category = 'Committed'
            and numbered.team_id = committed_days.team_id
            and numbered.charge_period_start = committed_days.charge_period_start
            and numbered.pricing_unit = committed_days.pricing_unit
    ),

    measured as (
        select
            numbered.*,
            {{ focus_service_category("service_category") }} as own_category,
            category in ('Usage', 'Purchase') as is_priced,
            case
                when category = 'Usage'
                then coalesce(consumed_quantity, pricing_quantity)
                else pricing_quantity
            end as quantity,
            coalesce(
                case
                    when category = 'Usage' and consumed_quantity is not null
                    then consumed_unit
                    else pricing_unit
                end,
                'Units'
            ) as unit
        from known as numbered
    ),

    described as (
        select
            'vercel' as source,
            slice_id,
            load_id,
            billing_month,
            {{ md5_key(["'vercel'", "slice_id", "content_key", "occurrence"]) }} as charge_key,
            team_id
            || '|'
            || cast(cast(charge_period_start as date) as string)
            || '|'
            || coalesce(sku_id, numbered.service_name, '')
            || '|'
            || coalesce(region_id, '')
            || '|'
            || coalesce(project_id, '')
            || '|'
            || category as vendor_charge_id,
            numbered.billed_cost,
            numbered.effective_cost,
            -- Vercel has no list price, and FOCUS wants one: the billed cost, or else the effective cost.
            case
                when numbered.billed_cost = 0 then numbered.effective_cost else numbered.billed_cost
            end as list_cost,
            case
                when numbered.billed_cost = 0 then numbered.effective_cost else numbered.billed_cost
            end as contracted_cost,
            team_id as billing_account_id,
            coalesce(team_name, team_id) as billing_account_name,
            'Team' as billing_account_type,
            billing_currency,
            {{ local_midnight("date_trunc('month', charge_date)", "America/Los_Angeles") }}
            as billing_period_start,
            {{ local_midnight("date_trunc('month', charge_date) + interval 1 month", "America/Los_Angeles") }}
            as billing_period_end,
            category as charge_category,
            cast(null as string) as charge_class,
            case
                when {{ focus_category("charge_category") }} is null
                then 'other: ' || coalesce(charge_category, 'no category') || ': '
                else ''
            end
            || coalesce(numbered.service_name, 'Vercel')
            || coalesce(' ' || region_name, '') as charge_description,
            case
                when category = 'Usage'
                then 'Usage-Based'
                when category = 'Purchase'
                then 'Recurring'
                else 'One-Time'
            end as charge_frequency,
            charge_period_start,
            charge_period_end,
            case when is_priced then known_pricing_category end as pricing_category,
            billing_currency as pricing_currency,
            -- MIUs are a price and not a measure, so the priced quantity is the consumed one.
            case when is_priced then quantity end as pricing_quantity,
            case when is_priced and quantity is not null then unit end as pricing_unit,
            case when category = 'Usage' then quantity end as consumed_quantity,
            case when category = 'Usage' and quantity is not null then unit end as consumed_unit,
            'provisional:Vercel:' || billing_month as invoice_id,
            'Vercel' as invoice_issuer_name,
            'Vercel' as service_provider_name,
            'Vercel' as provider_name,
            'Vercel' as publisher_name,
            region_id,
            region_name,
            project_id as sub_account_id,
            coalesce(project_name, project_id) as sub_account_name,
            case when project_id is not null then 'Project' end as sub_account_type,
            project_id as resource_id,
            project_name as resource_name,
            case when project_id is not null then 'Project' end as resource_type,
            -- Without an entry in the seed, Vercel's own category counts if FOCUS has it.
            coalesce(service_map.service_category, own_category, 'Web') as service_category,
            coalesce(
                service_map.service_subcategory, 'Other (' || own_category || ')', 'Application Platforms'
            ) as service_subcategory,
            coalesce('Vercel ' || numbered.service_name, 'Vercel') as service_name,
            coalesce(
                sku_id, case when is_priced then coalesce(numbered.service_name, 'Vercel') end
            ) as sku_id,
            coalesce(numbered.service_name, sku_id, 'Vercel') as sku_meter,
            case
                when is_priced
                then coalesce(sku_id, numbered.service_name, 'Vercel') || '/' || coalesce(region_id, 'global')
            end as sku_price_id,
            tags,
            {{
                contract_applied(
                    "contract_id",
                    "contract_commitment_id",
                    "case when is_spend then numbered.effective_cost else numbered.pricing_quantity end",
                    "numbered.pricing_unit",
                    "is_spend",
                )
            }} as contract_applied,
            {{
                json_object([
                    ["vercel_project", "project_id"],
                    ["vercel_access_group", "access_group_name"],
                    ["vercel_project_name", "project_name"],
                    ["vercel_team", "case when project_id is null then team_id end"],
                    ["source", "'vercel'"],
                ])
            }} as claims
        from measured as numbered
        left join service_map on numbered.service_name = service_map.service_name
    ),

    divided as (
        select
            described.*,
            case
                when pricing_quantity > 0 and list_cost >= 0
                then {{ unit_price("list_cost", "pricing_quantity") }}
            end as rounded_list_price,
            case
                when pricing_quantity > 0 and contracted_cost >= 0
                then {{ unit_price("contracted_cost", "pricing_quantity") }}
            end as rounded_contracted_price
        from described
    ),

    priced as (
        select
            divided.*,
            {{ consistent_unit_price("rounded_list_price", "pricing_quantity", "list_cost") }}
            as list_unit_price,
            {{ consistent_unit_price("rounded_contracted_price", "pricing_quantity", "contracted_cost") }}
            as contracted_unit_price
        from divided
    )

    {{
    charge_select(
        "priced",
        [
            "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
            "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
            "billing_account_type", "billing_currency", "billing_period_start", "billing_period_end",
            "charge_category", "charge_class", "charge_description", "charge_frequency", "charge_period_start",
            "charge_period_end", "pricing_category", "pricing_currency", "pricing_quantity", "pricing_unit",
            "consumed_quantity", "consumed_unit", "invoice_id", "invoice_issuer_name", "service_provider_name",
            "provider_name", "publisher_name", "region_id", "region_name", "sub_account_id", "sub_account_name",
            "sub_account_type", "resource_id", "resource_name", "resource_type", "service_category",
            "service_subcategory", "service_name", "sku_id", "sku_meter", "sku_price_id", "tags", "contract_applied", "claims", "list_unit_price",
            "contracted_unit_price",
        ],
    )
}}

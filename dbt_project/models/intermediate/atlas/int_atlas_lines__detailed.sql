{%- set key -%}
    upper(coalesce(sku, ''))
    || '|'
    || coalesce(group_id, '')
    || '|'
    || coalesce(cluster_name, '')
    || '|'
    || coalesce(cast(cast(start_date as date) as string), '')
{%- endset -%}
{%- set of_invoice = ["slice_id", "load_id", "billing_month", "invoice_id"] -%}
{%- set details = [
    "charge_category", "charge_description", "contract_applied", "host_provider_name", "invoice_issuer_name",
    "pricing_currency", "region_id", "region_name", "sku_id", "sku_meter", "sku_price_details", "sku_price_id",
    "sku_category",
] -%}
{%- set prices = [
    "list_cost", "contracted_cost", "list_unit_price", "contracted_unit_price", "pricing_currency_effective_cost",
    "pricing_currency_list_unit_price", "pricing_currency_contracted_unit_price",
] -%}

-- The lines of Atlas's invoices, with rows of the FOCUS report in the place of items. The invoice is the
-- control total: the rows of a SKU, project, cluster and day replace its items where both come to the same,
-- within what the items are rounded by. Other items stay, and other rows are left out.
-- An item below a cent is shown as 0. It costs quantity × unit price here, and a line `rounding` of the
-- invoice takes that back. A credit that the report has taken off its rows is added again by a line
-- `applied_credit`: the invoice takes it off too.
with
    items as (
        select
            lines.*,
            {{ key }} as item_key,
            -- Without a unit price, or with a product that is out of range, list cost is what is billed.
            case
                when {{ is_multipliable("quantity", "unit_price") }}
                then {{ decimal_product("quantity", "unit_price") }}
            end as product
        from {{ ref("stg_atlas__invoice_line_items") }} as lines
    ),

    costed_items as (
        select
            items.*,
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
        from items
    ),

    report_rows as (
        select
            report.*,
            report.sub_account_id as group_id,
            report.resource_name as cluster_name,
            report.atlas_sku as sku,
            report.charge_period_start as start_date,
            coalesce(report.pricing_quantity, report.consumed_quantity) as quantity,
            coalesce(report.pricing_currency_list_unit_price, report.list_unit_price) as unit_price,
            coalesce(
                report.pricing_currency_contracted_unit_price, report.pricing_currency_list_unit_price
            ) as paid_unit_price,
            invoices.org_id,
            invoices.invoice_start,
            invoices.invoice_end,
            invoices.currency,
            coalesce(
                upper(report.billing_currency) = invoices.currency
                and coalesce(report.pricing_currency_rate, 1) = 1,
                false
            ) as is_in_invoice_currency
        from {{ ref("stg_atlas__focus_report") }} as report
        inner join
            {{ ref("stg_atlas__invoices") }} as invoices
            on report.slice_id = invoices.slice_id
            and report.load_id = invoices.load_id
            and report.invoice_id = invoices.invoice_id
    ),

    multiplied_rows as (
        select
            report_rows.*,
            {{ key }} as item_key,
            case
                when {{ is_multipliable("quantity", "unit_price") }}
                then {{ decimal_product("quantity", "unit_price") }}
            end as product,
            case
                when {{ is_multipliable("quantity", "paid_unit_price") }}
                then {{ decimal_product("quantity", "paid_unit_price") }}
            end as paid_product
        from report_rows
    ),

    costed_rows as (
        select
            multiplied_rows.*,
            case
                when pricing_currency_effective_cost = 0 and paid_product > 0 and paid_product < 0.01
                then paid_product
                else pricing_currency_effective_cost
            end as cost
        from multiplied_rows
    ),

    billed_rows as (
        select
            costed_rows.*,
            case
                when is_in_invoice_currency and reported_billed_cost is not null
                then cast(reported_billed_cost + cost - pricing_currency_effective_cost as decimal(38, 12))
                else cost
            end as billed_cost,
            case
                when is_in_invoice_currency and reported_effective_cost is not null
                then cast(reported_effective_cost + cost - pricing_currency_effective_cost as decimal(38, 12))
                else cost
            end as effective_cost
        from costed_rows
    ),

    items_by_key as (
        select
            {{ of_invoice | join(", ") }},
            item_key,
            sum(total_price) as total_price,
            count(*) as item_count,
            min(coalesce(tags, '{}')) as first_tags,
            max(coalesce(tags, '{}')) as last_tags
        from costed_items
        where kind = 'line_item'
        group by {{ of_invoice | join(", ") }}, item_key
    ),

    rows_by_key as (
        select {{ of_invoice | join(", ") }}, item_key, sum(pricing_currency_effective_cost) as cost
        from costed_rows
        group by {{ of_invoice | join(", ") }}, item_key
    ),

    -- An item is rounded by half a cent at most. Items of several owners, by their tags, stay.
    covered as (
        select
            items_by_key.slice_id,
            items_by_key.load_id,
            items_by_key.invoice_id,
            items_by_key.item_key,
            items_by_key.first_tags as item_tags
        from items_by_key
        inner join
            rows_by_key
            on items_by_key.slice_id = rows_by_key.slice_id
            and items_by_key.load_id = rows_by_key.load_id
            and items_by_key.invoice_id = rows_by_key.invoice_id
            and items_by_key.item_key = rows_by_key.item_key
        where
            abs(items_by_key.total_price - rows_by_key.cost) <= 0.005 * items_by_key.item_count
            and items_by_key.first_tags = items_by_key.last_tags
    ),

    kept_items as (
        select costed_items.*
        from costed_items
        left join
            covered
            on costed_items.slice_id = covered.slice_id
            and costed_items.load_id = covered.load_id
            and costed_items.invoice_id = covered.invoice_id
            and costed_items.item_key = covered.item_key
        where covered.item_key is null or costed_items.kind <> 'line_item'
    ),

    kept_rows as (
        select billed_rows.*, covered.item_tags
        from billed_rows
        inner join
            covered
            on billed_rows.slice_id = covered.slice_id
            and billed_rows.load_id = covered.load_id
            and billed_rows.invoice_id = covered.invoice_id
            and billed_rows.item_key = covered.item_key
    ),

    -- What the lines of an invoice come to, as shown by it and as they stand here.
    amounts as (
        select
            slice_id,
            load_id,
            billing_month,
            invoice_id,
            org_id,
            invoice_start,
            invoice_end,
            currency,
            total_price as shown,
            cast(0 as decimal(38, 12)) as cost,
            cast(0 as decimal(38, 12)) as taken_off
        from costed_items

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
            0,
            cost,
            0
        from kept_items

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
            0,
            cost,
            cast(cost - billed_cost as decimal(38, 12))
        from kept_rows
    ),

    invoices as (
        select
            slice_id,
            load_id,
            billing_month,
            invoice_id,
            max(org_id) as org_id,
            max(invoice_start) as invoice_start,
            max(invoice_end) as invoice_end,
            max(currency) as currency,
            cast(sum(shown) - sum(cost) as decimal(38, 12)) as rounding,
            cast(sum(taken_off) as decimal(38, 12)) as applied_credit
        from amounts
        group by slice_id, load_id, billing_month, invoice_id
    ),

    lines as (
        select
            slice_id,
            load_id,
            billing_month,
            invoice_id,
            org_id,
            invoice_start,
            invoice_end,
            currency,
            kind,
            line_number,
            sku,
            group_id,
            group_name,
            cluster_name,
            cloud_provider,
            start_date,
            end_date,
            quantity,
            unit,
            unit_price,
            product,
            cost as billed_cost,
            cost as effective_cost,
            tags,
            {% for column in prices %} cast(null as decimal(38, 12)) as {{ column }}, {% endfor %}
            {% for column in details %}
                cast(null as string) as {{ column }} {% if not loop.last %},{% endif %}
            {% endfor %}
        from kept_items

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
            'report_row',
            line_number,
            sku,
            group_id,
            sub_account_name,
            cluster_name,
            null,
            start_date,
            charge_period_end,
            quantity,
            coalesce(pricing_unit, consumed_unit),
            unit_price,
            product,
            billed_cost,
            effective_cost,
            coalesce(nullif(tags, '{}'), item_tags),
            -- Where a credit costs 1 of the invoice's currency, that is the currency of prices too.
            -- Elsewhere list
            -- and contracted cost follow from the prices in credits.
            case when is_in_invoice_currency then list_cost else product end,
            case when is_in_invoice_currency then contracted_cost else paid_product end,
            case when is_in_invoice_currency then list_unit_price else unit_price end,
            case when is_in_invoice_currency then contracted_unit_price else paid_unit_price end,
            {% for column in prices[4:] + details %}
                {% if column.startswith("pricing_currency") %}
                    case when not is_in_invoice_currency then {{ column }} end
                {% else %} {{ column }}
                {% endif %}
                {{ "," if not loop.last }}
            {% endfor %}
        from kept_rows

        {% for kind in ["rounding", "applied_credit"] %}
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
                '{{ kind }}',
                null,
                null,
                null,
                null,
                null,
                null,
                invoice_start,
                invoice_end,
                null,
                null,
                null,
                null,
                {{ kind }},
                {{ kind }},
                '{}',
                {% for column in prices + details %} null {% if not loop.last %},{% endif %} {% endfor %}
            from invoices
            where {{ kind }} <> 0
        {% endfor %}
    )

select *
from lines

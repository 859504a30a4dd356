-- The total of an Atlas invoice may hold the invoices that are linked to it or not, and refunds, which
-- come later, or not: of these readings the one that its charges come nearest to counts.
with
    invoices as (select * from {{ ref("stg_atlas__invoices") }}),

    charges as (
        select
            slice_id,
            invoice_id,
            billing_currency,
            case
                when charge_class = 'Correction'
                then 'refunds'
                when charge_category in ('Usage', 'Purchase')
                then 'usage'
                when charge_category = 'Tax'
                then 'tax'
                when charge_category = 'Credit'
                then 'credits'
                when vendor_charge_id like '%|rounding||'
                then 'rounding'
                else 'adjustments'
            end as component,
            billed_cost
        from {{ ref("fact_cost") }}
        where source = 'atlas'
    ),

    components as (
        select
            slice_id,
            invoice_id,
            billing_currency,
            component,
            cast(sum(billed_cost) as decimal(38, 12)) as amount
        from charges
        group by slice_id, invoice_id, billing_currency, component
    ),

    sums as (
        select
            slice_id,
            invoice_id,
            billing_currency,
            cast(sum(amount) as decimal(38, 12)) as own,
            cast(sum(case when component = 'refunds' then - amount else 0 end) as decimal(38, 12)) as refunded
        from components
        group by slice_id, invoice_id, billing_currency
    ),

    linked as (
        select
            invoices.slice_id,
            invoices.linked_to as invoice_id,
            sums.billing_currency,
            cast(sum(sums.own) as decimal(38, 12)) as below
        from invoices
        inner join sums on invoices.slice_id = sums.slice_id and invoices.invoice_id = sums.invoice_id
        where invoices.linked_to is not null
        group by invoices.slice_id, invoices.linked_to, sums.billing_currency
    ),

    totals as (
        select
            invoices.slice_id,
            invoices.invoice_id,
            invoices.currency,
            invoices.amount_billed,
            coalesce(sums.own, 0) as own,
            coalesce(sums.refunded, 0) as refunded,
            coalesce(linked.below, 0) as below
        from invoices
        left join
            sums
            on invoices.slice_id = sums.slice_id
            and invoices.invoice_id = sums.invoice_id
            and invoices.currency = sums.billing_currency
        left join
            linked
            on invoices.slice_id = linked.slice_id
            and invoices.invoice_id = linked.invoice_id
            and invoices.currency = linked.billing_currency
        where coalesce(invoices.invoice_status, '') <> 'PENDING' and invoices.amount_billed is not null
    ),

    readings as (
        {% for refunded, below in [("0", "0"), ("refunded", "0"), ("0", "below"), ("refunded", "below")] %}
            select
                slice_id,
                invoice_id,
                currency,
                {{ loop.index }} as reading,
                {{ refunded }} as refunded,
                {{ below }} as below,
                amount_billed - own - {{ refunded }} - {{ below }} as unexplained
            from totals
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    ),

    ranked as (
        select
            readings.*,
            row_number() over (
                partition by slice_id, invoice_id order by abs(unexplained), reading
            ) as distance_rank
        from readings
    ),

    nearest as (select * from ranked where distance_rank = 1),

    bridged as (
        select slice_id, invoice_id, billing_currency, component, amount
        from components

        union all

        select slice_id, invoice_id, currency, 'refunds not in the total', cast(refunded as decimal(38, 12))
        from nearest
        where refunded <> 0

        union all

        select slice_id, invoice_id, currency, 'linked invoices', cast(below as decimal(38, 12))
        from nearest
        where below <> 0

        union all

        select slice_id, invoice_id, currency, 'unexplained', cast(unexplained as decimal(38, 12))
        from nearest
    )

select
    'atlas' as source,
    invoices.org_id as billing_account_id,
    bridged.invoice_id,
    invoices.linked_to as paying_invoice_id,
    invoices.billing_month,
    invoices.invoice_status,
    bridged.billing_currency,
    bridged.component,
    bridged.amount,
    invoices.amount_billed as invoiced_amount
from bridged
inner join invoices on bridged.slice_id = invoices.slice_id and bridged.invoice_id = invoices.invoice_id

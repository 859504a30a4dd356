-- The total of an Atlas invoice may hold the invoices that are linked to it or not, and refunds, which come
-- later, or not: of
-- these readings the one that its charges come nearest to counts.
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
            cast(sum(amount) as decimal(38, 12)) as own,
            cast(sum(case when component = 'refunds' then - amount else 0 end) as decimal(38, 12)) as refunded
        from components
        group by slice_id, invoice_id
    ),

    linked as (
        select
            invoices.slice_id,
            invoices.linked_to as invoice_id,
            cast(sum(sums.own) as decimal(38, 12)) as below
        from invoices
        inner join sums on invoices.slice_id = sums.slice_id and invoices.invoice_id = sums.invoice_id
        where invoices.linked_to is not null
        group by invoices.slice_id, invoices.linked_to
    ),

    final_invoices as (
        select
            invoices.*,
            coalesce(sums.own, 0) as own,
            coalesce(sums.refunded, 0) as refunded,
            coalesce(linked.below, 0) as below
        from invoices
        left join sums on invoices.slice_id = sums.slice_id and invoices.invoice_id = sums.invoice_id
        left join linked on invoices.slice_id = linked.slice_id and invoices.invoice_id = linked.invoice_id
        where invoices.invoice_status <> 'PENDING' and invoices.amount_billed is not null
    ),

    readings as (
        select slice_id, invoice_id, amount_billed - own as unexplained
        from final_invoices

        union all

        select slice_id, invoice_id, amount_billed - own - refunded
        from final_invoices

        union all

        select slice_id, invoice_id, amount_billed - own - below
        from final_invoices

        union all

        select slice_id, invoice_id, amount_billed - own - refunded - below
        from final_invoices
    ),

    ranked as (
        select
            slice_id,
            invoice_id,
            unexplained,
            row_number() over (
                partition by slice_id, invoice_id order by abs(unexplained), unexplained
            ) as distance_rank
        from readings
    ),

    bridged as (
        select slice_id, invoice_id, billing_currency, component, amount
        from components

        union all

        select
            ranked.slice_id,
            ranked.invoice_id,
            final_invoices.currency,
            'unexplained',
            cast(ranked.unexplained as decimal(38, 12))
        from ranked
        inner join
            final_invoices
            on ranked.slice_id = final_invoices.slice_id
            and ranked.invoice_id = final_invoices.invoice_id
        where ranked.distance_rank = 1
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

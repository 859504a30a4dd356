{{ config(materialized="table") }}

-- What each billing period is built from, as a fingerprint: models built by period compare theirs with it.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    delivered as (select * from {{ ref("int_billing_periods__delivered") }}),

    asked as (select * from {{ ref("int_claim_kinds__required") }}),

    price_books as (select billing_month, price_book_version from {{ ref("int_llm_price_books__assigned") }}),

    -- What every period depends on: the registry's rules, and the models themselves.
    everywhere as (
        select
            {{ md5_key(["'" ~ var("logic_version") ~ "'", joined_text("dataset || slice_id || load_id", "dataset, slice_id")]) }}
            as common_fingerprint
        from slices
        where dataset = 'raw_registry'
    ),

    charges as (
        select
            delivered.source,
            delivered.billing_month,
            {{
                md5_key([
                    "'" ~ var("logic_version") ~ "'",
                    joined_text("delivered.slice_id || delivered.load_id", "delivered.slice_id"),
                    "max(case when delivered.source = 'aws' then asked.requires_resource end)",
                ])
            }} as charges_fingerprint
        from delivered
        cross join asked
        group by delivered.source, delivered.billing_month
    ),

    -- What estimates are made of beside the month's deliveries: the price book, and how far the bills of
    -- the month before reach (a request of its last hour may be logged in this one).
    estimated as (
        select
            charges.billing_month,
            {{ md5_key(["max(price_books.price_book_version)", joined_text("bills.biller || cast(bills.billing_watermark as string)", "bills.biller")]) }}
            as estimates_fingerprint
        from charges
        left join price_books on charges.billing_month = price_books.billing_month
        left join
            {{ ref("int_llm_billing__watermarked") }} as bills
            on bills.billing_month
            = {{ month_text("cast(charges.billing_month || '-01' as timestamp) - interval '1' month") }}
        where charges.source = '{{ estimating_source() }}'
        group by charges.billing_month
    ),

    -- Shared costs are allocated in proportion to the month's direct costs of all sources, and AI charges are
    -- shared out by the month's requests: what is owned in a month depends on all that was delivered for it.
    months as (
        select billing_month, {{ joined_text("source || charges_fingerprint", "source") }} as month_content
        from charges
        group by billing_month
    )

select
    charges.source,
    charges.billing_month,
    charges.charges_fingerprint,
    {{ md5_key(["months.month_content", "everywhere.common_fingerprint", "estimated.estimates_fingerprint"]) }}
    as ledger_fingerprint,
    -- Requests are priced and have owners, and know nothing of other sources.
    case
        when charges.source = '{{ estimating_source() }}'
        then
            {{ md5_key(["charges.charges_fingerprint", "everywhere.common_fingerprint", "price_books.price_book_version"]) }}
    end as requests_fingerprint
from charges
inner join months on charges.billing_month = months.billing_month
left join price_books on charges.billing_month = price_books.billing_month
left join estimated on charges.billing_month = estimated.billing_month
cross join everywhere

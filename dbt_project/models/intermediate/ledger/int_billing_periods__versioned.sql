-- The inputs of each billing period by kind: its own deliveries, the month's other deliveries (shared cost
-- is split by them), the registry and the models. A restatement is explained by the kind that differs.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    delivered as (select * from {{ ref("int_billing_periods__delivered") }}),

    fingerprints as (select * from {{ ref("int_billing_periods__fingerprinted") }}),

    versions as (
        select
            source,
            billing_month,
            slice_id,
            coalesce(vendor_version || ' ', '')
            || '#'
            || substr({{ md5_key(["coalesce(content_digest, load_id)"]) }}, 1, 12) as version
        from delivered
        where dataset in ('{{ money_datasets() | join("', '") }}')

        union all

        -- A gateway has a slice an hour: all slices of a month are one entry.
        select
            source,
            billing_month,
            source || '|' || billing_month,
            cast(count(*) as string)
            || ' slices #'
            || substr(
                {{ md5_key([joined_text("slice_id || coalesce(content_digest, load_id)", "slice_id")]) }},
                1,
                12
            )
        from delivered
        where source = '{{ estimating_source() }}'
        group by source, billing_month
    ),

    slice_versions as (
        select
            source,
            billing_month,
            '{' || replace(
                {{
                    joined_text(
                        json_of_text("slice_id") ~ " || ':' || " ~ json_of_text("version"), "slice_id"
                    )
                }},
                '"|"',
                '","'
            )
            || '}' as delivered_slices
        from versions
        group by source, billing_month
    ),

    periods as (
        select
            source,
            billing_month,
            max(extracted_at) as extracted_at,
            {{ md5_key([joined_text("slice_id || load_id", "slice_id")]) }} as delivery_fingerprint
        from delivered
        group by source, billing_month
    ),

    others as (
        select
            own.source,
            own.billing_month,
            {{ md5_key([joined_text("other.source || other.delivery_fingerprint", "other.source")]) }}
            as others_fingerprint
        from periods as own
        inner join periods as other on own.billing_month = other.billing_month and own.source <> other.source
        group by own.source, own.billing_month
    ),

    months as (select billing_month, max(extracted_at) as extracted_at from periods group by billing_month),

    rules as (
        select
            max(extracted_at) as extracted_at,
            {{ md5_key([joined_text("dataset || slice_id || load_id", "dataset, slice_id")]) }}
            as rules_fingerprint
        from slices
        where dataset = 'raw_registry'
    )

select
    periods.source,
    periods.billing_month,
    greatest(months.extracted_at, coalesce(rules.extracted_at, months.extracted_at)) as known_at,
    slice_versions.delivered_slices,
    coalesce(others.others_fingerprint, '') as others_fingerprint,
    rules.rules_fingerprint,
    '{{ var("logic_version") }}' as logic_version,
    fingerprints.charges_fingerprint,
    fingerprints.ledger_fingerprint
from periods
inner join
    slice_versions
    on periods.source = slice_versions.source
    and periods.billing_month = slice_versions.billing_month
inner join
    fingerprints
    on periods.source = fingerprints.source
    and periods.billing_month = fingerprints.billing_month
inner join months on periods.billing_month = months.billing_month
left join others on periods.source = others.source and periods.billing_month = others.billing_month
cross join rules

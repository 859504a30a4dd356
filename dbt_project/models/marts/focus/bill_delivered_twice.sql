-- A bill that two exports deliver, of one source or of two, would count twice: there must be none. All
-- slices of an export are one export: for AWS and FOCUS the slice id names it, every other source has one.
-- Two exports that share no sub account do not deliver the same bill (an export for each subscription, for
-- example). One that names no sub account at all is of the whole account. Account ids are unique within a
-- vendor only: exports whose issuers and providers all differ are of two vendors.
with
    charges as (
        select
            billing_account_id,
            billing_month,
            sub_account_id,
            source,
            slice_id,
            case
                source
                when 'focus'
                then {{ text_before_last("slice_id", "|") }}
                when 'aws'
                then {{ text_before_last("slice_id", "|") }}
                else source
            end as export_name,
            is_estimated,
            -- A Marketplace's sellers issue within AWS's bill.
            case when source = 'aws' then 'aws' else {{ vendor_word("invoice_issuer_name") }} end as issuer,
            case
                when source = 'aws'
                then 'aws'
                else {{ vendor_word("coalesce(service_provider_name, provider_name)") }}
            end as provider
        from {{ ref("fact_cost") }}
        where billing_account_id is not null
    ),

    grouped as (
        select
            billing_account_id,
            billing_month,
            sub_account_id,
            source,
            export_name,
            is_estimated,
            coalesce(issuer, provider) as issuer,
            coalesce(provider, issuer) as provider,
            min(slice_id) as slice_id
        from charges
        group by
            billing_account_id,
            billing_month,
            sub_account_id,
            source,
            export_name,
            is_estimated,
            coalesce(issuer, provider),
            coalesce(provider, issuer)
    ),

    delivered as (
        select
            billing_account_id,
            billing_month,
            sub_account_id,
            source,
            export_name,
            is_estimated,
            issuer,
            provider,
            -- A FOCUS export is named first, because its setting is the remedy.
            case when source = 'focus' then 0 else 1 end as precedence,
            min(slice_id) over (
                partition by billing_account_id, billing_month, source, export_name, is_estimated
            ) as slice_id,
            max(sub_account_id) over (
                partition by billing_account_id, billing_month, source, export_name, is_estimated
            )
            is null as is_whole
        from grouped
    )

select distinct
    one.billing_account_id,
    one.billing_month,
    one.source as first_source,
    one.slice_id as first_slice_id,
    other.source as second_source,
    other.slice_id as second_slice_id,
    'account '
    || one.billing_account_id
    || ', '
    || one.billing_month
    || ' is delivered by '
    || one.source
    || ' slice '
    || one.slice_id
    || ' and by '
    || other.source
    || ' slice '
    || other.slice_id
    || case
        when one.source = 'focus'
        then ': name the export in sources.focus.compare_only, or stop delivering the other'
        when one.source = 'aws' and other.source = 'aws'
        then ': keep one of the two exports in sources.aws.export_url'
        else ': stop delivering one of them'
    end as message
from delivered as one
inner join
    delivered as other
    on one.billing_account_id = other.billing_account_id
    and one.billing_month = other.billing_month
    and (
        coalesce(one.sub_account_id, '') = coalesce(other.sub_account_id, '')
        or one.is_whole
        or other.is_whole
    )
    and (
        one.issuer in (other.issuer, other.provider)
        or one.provider in (other.issuer, other.provider)
        or one.issuer is null
        or other.issuer is null
    )
    and (
        one.precedence < other.precedence
        or (
            one.precedence = other.precedence
            and (
                one.source < other.source
                or (one.source = other.source and one.export_name < other.export_name)
            )
        )
    )
-- An estimate covers usage that is not billed yet: the provider's own bill may have the same account and
-- month, but a FOCUS export may not.
where one.source = 'focus' or not (one.is_estimated or other.is_estimated)

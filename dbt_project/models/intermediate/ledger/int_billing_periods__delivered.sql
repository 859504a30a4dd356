-- The slices of each billing period. A list (of an LLM provider's keys, of Vercel's or Atlas's
-- projects) has no month: it counts for each month that refers to it, and its version there is the
-- digest of the entries that the month refers to. A slice of requests counts for its own month and for
-- each month that may hold other records of its calls: a span is exported after its end, a gateway's
-- day may be a local one, and two logs of one call may lie in two months.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    lists as (select * from {{ ref("int_llm_entities__referenced") }}),

    saas_lists as (
        select 'raw_vercel' as dataset, 'vercel' as source, billing_month, version
        from {{ ref("int_vercel_periods__inputs") }}

        union all

        select 'raw_atlas', 'atlas', billing_month, version
        from {{ ref("int_atlas_periods__inputs") }}
    ),

    extracted_lists as (
        select dataset, max(extracted_at) as extracted_at
        from slices
        where billing_month is null
        group by dataset
    ),

    -- When a slice's requests began. A time after its extraction is a fault of a clock.
    request_slices as (
        select
            slices.*,
            coalesce(oldest_charge_at, window_start) as first_start,
            least(coalesce(newest_charge_at, window_end), extracted_at + interval '1' day) as last_start
        from slices
        where source = '{{ estimating_source() }}'
    ),

    months as (
        select
            billing_month,
            cast(billing_month || '-01' as timestamp) as month_start,
            cast(billing_month || '-01' as timestamp) + interval '1' month as month_end
        from (select distinct billing_month from slices where billing_month is not null) as months_of_slices
    ),

    -- When the requests of a month's slices began, with a day around it: records of one call begin
    -- within a day. What is further than a quarter from the month is not looked for: one odd time would
    -- make the month depend on the whole history.
    spans as (
        select
            months.billing_month,
            least(
                months.month_start,
                greatest(
                    coalesce(min(request_slices.first_start), months.month_start),
                    months.month_start - interval '3' month
                )
            )
            - interval '1' day as span_start,
            greatest(
                months.month_end,
                least(
                    coalesce(max(request_slices.last_start), months.month_end),
                    months.month_end + interval '3' month
                )
            )
            + interval '1' day as span_end
        from months
        left join request_slices on months.billing_month = request_slices.billing_month
        group by months.billing_month, months.month_start, months.month_end
    )

select dataset, source, billing_month, slice_id, load_id, vendor_version, content_digest, extracted_at
from slices
where billing_month is not null

union all

select
    slices.dataset,
    lists.source,
    lists.billing_month,
    lists.slice_id,
    lists.content_digest as load_id,
    cast(null as string) as vendor_version,
    lists.content_digest,
    slices.extracted_at
from lists
inner join slices on lists.slice_id = slices.slice_id and slices.dataset = 'raw_llm_providers'

union all

select
    request_slices.dataset,
    request_slices.source,
    spans.billing_month,
    request_slices.slice_id,
    request_slices.load_id,
    request_slices.vendor_version,
    request_slices.content_digest,
    request_slices.extracted_at
from request_slices
inner join
    spans
    on request_slices.last_start >= spans.span_start
    and request_slices.first_start < spans.span_end
    and request_slices.billing_month <> spans.billing_month

union all

select
    saas_lists.dataset,
    saas_lists.source,
    saas_lists.billing_month,
    saas_lists.source || ' lists' as slice_id,
    saas_lists.version as load_id,
    cast(null as string) as vendor_version,
    saas_lists.version as content_digest,
    extracted_lists.extracted_at
from saas_lists
left join extracted_lists on saas_lists.dataset = extracted_lists.dataset

{{ config(materialized="table") }}

-- How far the bill of a month reaches, by biller: the days before are complete, also where a daily report is
-- empty. Delivery notes show it; rows are read only where a file holds several billers.
with
    slices as (select * from {{ ref("int_slices__current") }} where billing_month is not null),

    costs as (select * from {{ ref("stg_llm_providers__llm_provider_costs") }}),

    exports as (select * from {{ ref("stg_focus__cost_and_usage") }} where not is_compare_only),

    reaching as (
        select
            source as biller,
            billing_month,
            case
                -- AWS's newest charge is judged by its start (a monthly fee ends with the month): its day is
                -- complete.
                when source = 'aws'
                then cast(cast(newest_charge_at as date) as timestamp) + interval '1' day
                else coalesce(newest_charge_at, window_end)
            end as billing_watermark
        from slices
        where
            source in ('{{ llm_billing_sources() | join("', '") }}')
            -- Reports of usage bill nothing.
            and (dataset <> 'raw_llm_providers' or split_part(slice_id, '|', 2) in ('costs', 'activity'))

        union all

        select {{ llm_biller("provider_id") }}, billing_month, bucket_end
        from costs

        union all

        select
            {{ llm_biller("lower(coalesce(service_provider_name, provider_name, invoice_issuer_name, publisher_name))") }},
            billing_month,
            coalesce(charge_period_end, charge_period_start + interval '1' day)
        from exports
    )

select biller, billing_month, max(billing_watermark) as billing_watermark
from reaching
where biller is not null and billing_watermark is not null
group by biller, billing_month

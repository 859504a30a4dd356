{{ config(meta={"dagster": {"ref": {"name": "fact_cost"}}}) }}

-- The estimates in the ledger equal the list price of the priced requests that no bill covers, to the
-- last digit.
with
    billing as (select * from {{ ref("int_llm_billing__watermarked") }}),

    requests as (
        select
            requests.billing_month,
            requests.usage_day,
            requests.provider,
            case when billing.biller is null then requests.computed_list_cost else 0 end as cost
        from {{ ref("fact_llm_request") }} as requests
        left join
            billing
            on {{ llm_biller("requests.provider") }} = billing.biller
            and {{ month_text("requests.usage_day") }} = billing.billing_month
            and cast(requests.usage_day as timestamp) < billing.billing_watermark
        where requests.pricing_status = 'priced' and requests.provider is not null
    ),

    stages as (
        select billing_month, usage_day, provider, cost as requested, 0 as estimated
        from requests

        union all

        select billing_month, cast(charge_period_start as date), ai_provider, 0, effective_cost
        from {{ ref("fact_cost") }}
        where is_estimated
    )

select billing_month, usage_day, provider, sum(requested) as requested_cost, sum(estimated) as estimated_cost
from stages
group by billing_month, usage_day, provider
having sum(requested) <> sum(estimated)

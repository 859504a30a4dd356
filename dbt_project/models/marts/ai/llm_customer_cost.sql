-- The providers' money, split over each customer's requests, beside their list price.
with
    requests as (select * from {{ ref("fact_llm_request") }} where customer_id is not null),

    charges as (
        select customer_id, billing_month, billing_currency, billed_cost, effective_cost, is_estimated
        from {{ ref("fact_cost") }}
        where telemetry_status = 'metered' and customer_id is not null
    ),

    billed as (
        select
            customer_id,
            billing_month,
            billing_currency,
            cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
            cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
            cast(
                sum(case when is_estimated then effective_cost else 0 end) as decimal(38, 12)
            ) as estimated_cost
        from charges
        group by customer_id, billing_month, billing_currency
    ),

    counted as (
        select
            customer_id,
            {{ month_text("usage_day") }} as billing_month,
            count(*) as request_count,
            sum(case when status = 'success' then 1 else 0 end) as successful_request_count,
            sum(case when pricing_status = 'unpriced' then 1 else 0 end) as unpriced_request_count,
            cast(sum(computed_list_cost) as decimal(38, 12)) as list_cost
        from requests
        group by customer_id, {{ month_text("usage_day") }}
    )

select
    {{ md5_key(["counted.customer_id", "counted.billing_month", "coalesce(billed.billing_currency, '')"]) }}
    as llm_customer_cost_key,
    counted.customer_id,
    counted.billing_month,
    billed.billing_currency,
    billed.billed_cost,
    billed.effective_cost,
    billed.estimated_cost,
    counted.list_cost,
    counted.request_count,
    cast(counted.successful_request_count as bigint) as successful_request_count,
    cast(counted.unpriced_request_count as bigint) as unpriced_request_count,
    {{ cost_for("billed.billed_cost", "counted.request_count") }} as billed_cost_per_request,
    {{ cost_for("billed.billed_cost", "counted.successful_request_count") }}
    as billed_cost_per_successful_request
from counted
left join billed on counted.customer_id = billed.customer_id and counted.billing_month = billed.billing_month

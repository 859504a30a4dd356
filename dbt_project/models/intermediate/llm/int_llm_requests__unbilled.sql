-- Requests that a provider answered on a day that no bill tells of. A bill speaks for all days of its month
-- up to the newest that it tells of, whatever it says of them; what comes after, and a month or provider
-- without any bill, is not told (docs/decisions/0013).
with
    requests as (select * from {{ ref("int_llm_requests__deduplicated") }} where is_billed),

    billing as (select * from {{ ref("int_llm_billing__watermarked") }})

select requests.*
from requests
left join
    billing
    on {{ llm_biller("requests.provider") }} = billing.biller
    and {{ month_text("requests.usage_day") }} = billing.billing_month
    and cast(requests.usage_day as timestamp) < billing.billing_watermark
where requests.provider is not null and billing.biller is null

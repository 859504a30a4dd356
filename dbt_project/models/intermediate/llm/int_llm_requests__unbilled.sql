-- Requests that a provider answered on a day that no bill tells of. A bill speaks for all days of its month
-- up to the newest that it tells of, whatever it says of them; what comes after, and a month or provider
-- without any bill, is not told (docs/decisions/0013).
with
    requests as (select * from {{ ref("int_llm_requests__deduplicated") }} where is_billed),

    bills as (select * from {{ ref("int_llm_bills__delivered") }})

select requests.*
from requests
left join
    bills
    on {{ llm_biller("requests.provider") }} = bills.biller
    and {{ month_text("requests.usage_day") }} = bills.billing_month
    and cast(requests.usage_day as timestamp) < bills.billed_until
where requests.provider is not null and bills.biller is null

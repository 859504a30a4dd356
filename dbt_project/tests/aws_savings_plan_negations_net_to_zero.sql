{{ config(severity="warn") }}

-- A Savings Plan's negation takes back what its covered usage says, to a cent; what is left is a charge of
-- its own.
select billing_month, vendor_charge_id, billing_currency, sum(billed_cost) as billed_cost
from {{ ref("fact_cost") }}
where source = 'aws' and vendor_charge_id like 'residual|%'
group by billing_month, vendor_charge_id, billing_currency
having abs(sum(billed_cost)) > 0.01

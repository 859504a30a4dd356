{{ config(severity="warn") }}

-- The negations of a Savings Plan equal the cost of its covered usage, to a cent. Any residual is a
-- separate charge.
select billing_month, vendor_charge_id, billing_currency, sum(billed_cost) as billed_cost
from {{ ref("fact_cost") }}
where source = 'aws' and vendor_charge_id like 'residual|%'
group by billing_month, vendor_charge_id, billing_currency
having abs(sum(billed_cost)) > 0.01

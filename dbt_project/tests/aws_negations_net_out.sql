{{ config(severity="warn") }}

-- A Savings Plan's negation takes back what its covered usage says, to a cent; what is left is a charge of
-- its own.
select billing_month, vendor_charge_id, billing_currency, billed_cost
from {{ ref("int_charges__unified") }}
where source = 'aws' and vendor_charge_id like 'residual|%' and abs(billed_cost) > 0.01

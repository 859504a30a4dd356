-- no_bill_is_delivered_twice
{{ config(meta={"dagster": {"ref": {"name": "bill_delivered_twice"}}}) }}

-- Each period that two exports bill, so that its money would count twice: the build holds the new delivery.
select distinct first_source as source, billing_month, first_slice_id as slice_id, message
from {{ ref("bill_delivered_twice") }}

union

select distinct second_source, billing_month, second_slice_id, message
from {{ ref("bill_delivered_twice") }}

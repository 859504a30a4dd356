{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_aws_periods__compared"}}}) }}

-- Billed = amortised + what amortisation took out of the fees + upfront fees (less those given back),
-- to a cent. Of closed months: an open one has the whole month's fee before the usage that it is for.
select compared.*
from {{ ref("int_aws_periods__compared") }} as compared
where
    abs(compared.amortised_difference) > 0.01
    and exists (
        select 1
        from {{ ref("int_aws_periods__compared") }} as later
        where later.billing_month > compared.billing_month
    )

{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_aws_periods__compared"}}}) }}

-- Billed cost equals amortised cost, plus the fees that amortisation removes, plus upfront fees less
-- their refunds, to a cent. Only closed months are compared: an open month has the whole fee but not yet
-- all the usage that the fee covers.
select compared.*
from {{ ref("int_aws_periods__compared") }} as compared
where
    abs(compared.amortised_difference) > 0.01
    and exists (
        select 1
        from {{ ref("int_aws_periods__compared") }} as later
        where later.billing_month > compared.billing_month
    )

{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_aws_periods__compared"}}}) }}

-- In a net month the other lines include the amounts of the discount lines: none is lost, to a cent. AWS
-- does not document the net cost of a discount line, so it is not used.
select *
from {{ ref("int_aws_periods__compared") }}
where is_net and abs(net_difference) > 0.01

{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_aws_periods__compared"}}}) }}

-- In a net month the discount lines are folded into the other lines: none of them is lost, to a cent. The
-- net cost that
-- AWS gives for a discount line itself is not documented and not used.
select *
from {{ ref("int_aws_periods__compared") }}
where is_net and abs(net_difference) > 0.01

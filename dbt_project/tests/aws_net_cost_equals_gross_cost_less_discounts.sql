{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_aws_periods__compared"}}}) }}

-- Where a payer's month is told net, the discount lines are folded into the other lines: none of them
-- is lost, to a cent. (What AWS says of a discount line's own net cost is not documented, so it is not
-- relied upon.)
select *
from {{ ref("int_aws_periods__compared") }}
where is_net and abs(net_difference) > 0.01

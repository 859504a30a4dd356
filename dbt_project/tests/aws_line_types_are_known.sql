{{ config(severity="warn") }}

-- A line type of tomorrow is kept, as an adjustment; the seed aws_line_types should learn it.
select *
from {{ ref("int_aws_line_types__unknown") }}

{{ config(severity="warn") }}

-- The seed aws_line_types has every line item type. An unknown type counts as an adjustment until it is
-- added to the seed.
select *
from {{ ref("int_aws_line_types__unknown") }}

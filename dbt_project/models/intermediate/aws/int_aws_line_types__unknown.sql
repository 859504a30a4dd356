-- Line types that the seed does not have. They are adjustments at their unblended cost, and reported here.
with lines as (select * from {{ ref("int_aws_lines__summed") }})

select
    source,
    billing_month,
    line_item_line_item_type,
    line_item_currency_code,
    cast(sum(line_count) as bigint) as line_count,
    cast(sum(billed_cost) as decimal(38, 12)) as billed_cost
from lines
where not is_known_type
group by source, billing_month, line_item_line_item_type, line_item_currency_code

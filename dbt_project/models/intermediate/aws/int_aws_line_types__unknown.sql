-- Line types that the seed does not know: kept as adjustments at their unblended cost, and reported here.
with lines as (select * from {{ ref("int_aws_lines__amortised") }})

select
    billing_month,
    line_item_line_item_type,
    line_item_currency_code,
    count(*) as line_count,
    sum(billed_cost) as billed_cost
from lines
where not is_known_type
group by billing_month, line_item_line_item_type, line_item_currency_code

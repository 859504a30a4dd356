-- FOCUS rules that charges violate although their money is right. They are warnings and do not stop the
-- publication.
with judged as (select * from {{ ref("int_focus_violations__counted") }} where row_count > 0)

select
    source,
    slice_id,
    billing_month,
    rule_id,
    rule,
    row_count,
    billed_cost,
    billing_currency,
    example_charge_key
from judged

-- The FOCUS charges that the ledger takes. An export that is only compared makes no charges.
select {{ charge_columns() | join(", ") }}, true as may_be_ai
from {{ ref("int_focus_charges__normalised") }}
where not is_compare_only

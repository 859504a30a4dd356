-- Delivered = charges = fact_cost = owners' statement, exactly, for every source, billing month and currency.
select * from {{ ref("fact_reconciliation") }} where not coalesce(is_reconciled, false)

-- Delivered cost, charges, fact_cost and the owners' statement are equal, exactly, for every source,
-- billing month and currency.
select * from {{ ref("fact_reconciliation") }} where not coalesce(is_reconciled, false)

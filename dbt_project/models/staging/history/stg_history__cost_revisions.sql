with recorded as (select * from {{ lake_history("cost_revisions") }})

select
    cost_revision_key,
    source,
    billing_month,
    cast(revision_number as integer) as revision_number,
    {{ utc_timestamp("known_at") }} as known_at,
    billing_currency,
    sub_account_id,
    service_name,
    charge_category,
    owner_id,
    billed_cost,
    effective_cost,
    charge_count,
    billed_change,
    effective_change,
    charge_count_change,
    delivered_slices,
    others_fingerprint,
    rules_fingerprint,
    logic_version,
    charges_fingerprint,
    ledger_fingerprint,
    load_id
from recorded

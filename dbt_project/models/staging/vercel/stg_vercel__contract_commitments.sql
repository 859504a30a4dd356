with delivered as (select * from {{ lake_versions("raw_vercel", "contract_commitments") }})

select
    team_id,
    nullif(contract_id, '') as contract_id,
    {{ utc_timestamp("contract_period_start") }} as contract_period_start,
    {{ utc_timestamp("contract_period_end") }} as contract_period_end,
    contract_commitment_id,
    {{ utc_timestamp("contract_commitment_period_start") }} as contract_commitment_period_start,
    {{ utc_timestamp("contract_commitment_period_end") }} as contract_commitment_period_end,
    nullif(contract_commitment_category, '') as contract_commitment_category,
    nullif(contract_commitment_type, '') as contract_commitment_type,
    nullif(contract_commitment_description, '') as contract_commitment_description,
    contract_commitment_cost,
    contract_commitment_quantity,
    nullif(contract_commitment_unit, '') as contract_commitment_unit,
    nullif(billing_currency, '') as billing_currency,
    {{ utc_timestamp("delivered_at") }} as delivered_at,
    extra,
    slice_id,
    delivery_load_id as load_id
from delivered

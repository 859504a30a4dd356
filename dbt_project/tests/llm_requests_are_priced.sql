{{ config(severity="warn") }}

-- A successful request with tokens and no price is not free: the price book lacks a price for it
-- (llm_unpriced_model says which).
select model_id, count(*) as requests
from {{ ref("fact_llm_request") }}
where pricing_status = 'unpriced'
group by model_id

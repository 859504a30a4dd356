{{ config(severity="warn") }}

-- A successful request with tokens and no price is not free: its model is unknown to the gateway.
select model_id, count(*) as requests
from {{ ref("fact_llm_request") }}
where pricing_status = 'unpriced'
group by model_id

{{ config(severity="warn") }}

-- Every successful request with tokens has a list price. Without one its cost is unknown, not 0.
-- llm_unpriced_model lists the models that the price book lacks.
select model_id, count(*) as requests
from {{ ref("fact_llm_request") }}
where pricing_status = 'unpriced'
group by model_id

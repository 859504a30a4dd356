-- A run of a workflow is what shares a session, else a trace. At list price: the bill does not tell runs
-- apart.
with requests as (select * from {{ ref("int_llm_requests__measured") }} where run_id is not null)

select
    {{ md5_key(["run_id", "coalesce(workflow_id, '')", "owner_id"]) }} as llm_workflow_run_key,
    run_id,
    workflow_id,
    owner_id,
    min(billing_month) as billing_month,
    min(started_at) as started_at,
    max(ended_at) as ended_at,
    count(*) as request_count,
    cast(sum(case when status = 'success' then 1 else 0 end) as bigint) as successful_request_count,
    cast(sum(case when status <> 'success' then 1 else 0 end) as bigint) as failed_request_count,
    cast(sum(case when pricing_status = 'unpriced' then 1 else 0 end) as bigint) as unpriced_request_count,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(output_tokens) as bigint) as output_tokens,
    cast(sum(computed_list_cost) as decimal(38, 12)) as list_cost,
    cast(sum(replaced_list_cost) as decimal(38, 12)) as replaced_list_cost
from requests
group by run_id, workflow_id, owner_id

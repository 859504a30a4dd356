-- A run of a workflow is a session, else a trace. Its cost is at list price: a bill knows no runs.
with
    requests as (
        select requests.*, coalesce(session_id, trace_id) as run_id, {{ is_replaced_answer() }} as is_replaced
        from {{ ref("fact_llm_request") }} as requests
    )

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
    cast(sum(case when is_billed then input_tokens end) as bigint) as input_tokens,
    cast(sum(case when is_billed then output_tokens end) as bigint) as output_tokens,
    cast(sum(computed_list_cost) as decimal(38, 12)) as list_cost,
    cast(sum(case when is_replaced then computed_list_cost end) as decimal(38, 12)) as replaced_list_cost
from requests
where run_id is not null
group by run_id, workflow_id, owner_id

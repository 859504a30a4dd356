{%- set last_position = 50 -%}

-- How the input grows along a session (else a trace): every turn carries the turns before it.
with
    requests as (
        select requests.*, coalesce(session_id, trace_id) as run_id
        from {{ ref("fact_llm_request") }} as requests
        where coalesce(session_id, trace_id) is not null and is_billed
    ),

    numbered as (
        select
            requests.*,
            row_number() over (
                partition by run_id, workflow_id, model_id order by started_at, llm_request_key
            ) as position_in_run
        from requests
    ),

    placed as (
        select numbered.*, cast(least(position_in_run, {{ last_position }}) as integer) as request_position
        from numbered
    )

select
    {{
        md5_key([
            "billing_month", "coalesce(workflow_id, '')", "coalesce(model_id, '')",
            "cast(request_position as string)",
        ])
    }} as llm_context_growth_key,
    billing_month,
    workflow_id,
    model_id,
    request_position,
    count(*) as request_count,
    cast(sum(input_tokens) as bigint) as input_tokens,
    cast(sum(cache_read_tokens) as bigint) as cache_read_tokens,
    {{ ratio_of("sum(input_tokens)", "count(input_tokens)") }} as input_tokens_per_request,
    {{ ratio_of("sum(cache_read_tokens)", "sum(input_tokens)") }} as cache_hit_ratio,
    cast(sum(computed_list_cost) as decimal(38, 12)) as list_cost
from placed
group by billing_month, workflow_id, model_id, request_position

{{ config(meta={"refresh": "always"}) }}

-- Every permission to store prompts, with the prompts stored under it; and prompts without a permission,
-- until the purge.
with
    policies as (select * from {{ ref("stg_registry__prompt_policy") }}),

    stored as (
        select
            workflow,
            cast(started_at as date) as usage_day,
            source_system,
            request_id,
            started_at,
            redaction_policy,
            retention_until
        from {{ ref("stg_llm_prompts__llm_prompts") }}
    ),

    matched as (
        select
            coalesce(policies.workflow_id, stored.workflow) as workflow_id,
            policies.purpose,
            policies.redaction,
            policies.retention_days,
            policies.approved_by,
            policies.valid_from,
            policies.valid_to,
            stored.source_system,
            stored.request_id,
            stored.started_at,
            stored.redaction_policy,
            stored.retention_until
        from policies
        full outer join
            stored
            on policies.workflow_id = stored.workflow
            and stored.usage_day >= policies.valid_from
            and stored.usage_day < policies.valid_to
    )

select
    workflow_id,
    purpose,
    redaction,
    cast(retention_days as bigint) as retention_days,
    approved_by,
    valid_from,
    valid_to,
    case
        when valid_from is null
        then 'none'
        when {{ today() }} < valid_from
        then 'planned'
        when {{ today() }} >= valid_to
        then 'ended'
        else 'in force'
    end as policy_state,
    cast(count(started_at) as bigint) as message_count,
    cast(count(distinct source_system || ' ' || request_id) as bigint) as request_count,
    cast(
        count(case when valid_from is null or retention_until <= {{ today() }} then 1 end) as bigint
    ) as overdue_count,
    min(started_at) as oldest_at,
    max(started_at) as newest_at,
    min(retention_until) as next_purge_on
from matched
group by workflow_id, purpose, redaction, retention_days, approved_by, valid_from, valid_to

{{ config(meta={"refresh": "always"}) }}

-- Every permission to keep prompts, beside what is kept under it; and what is kept under none, until it is
-- purged.
with
    policies as (select * from {{ ref("stg_registry__prompt_policy") }}),

    kept as (
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
            coalesce(policies.workflow_id, kept.workflow) as workflow_id,
            policies.purpose,
            policies.redaction,
            policies.retention_days,
            policies.approved_by,
            policies.valid_from,
            policies.valid_to,
            kept.source_system,
            kept.request_id,
            kept.started_at,
            kept.redaction_policy,
            kept.retention_until
        from policies
        full outer join
            kept
            on policies.workflow_id = kept.workflow
            and kept.usage_day >= policies.valid_from
            and kept.usage_day < policies.valid_to
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

{{ built_by_period("charges_fingerprint") }}

-- A request that two logs hold, that is delivered twice, or that an SDK logs around its gateway counts once.
-- This model holds the exceptions: rows of the lake that do not count, and rows whose token is replayed.
-- int_llm_requests__deduplicated compares the requests with these few rows. Each month compares its rows with
-- each other and with those of other months that may be records of the same calls, and decides on its own.
with
    candidates as (
        select
            delivered.*,
            case when actor_status = 'verified' then actor_token_id end as verified_token_id,
            case
                source_system
                when 'litellm'
                then 1
                when 'litellm_spend_logs'
                then 2
                when 'mongodb'
                then 3
                when 'canonical'
                then 4
                when 'bedrock'
                then 5
                when 'langfuse'
                then 6
                when 'otel'
                then 7
                else 4
            end as system_rank,
            {{ is_answered() }} as was_answered
        from {{ ref("int_llm_requests__duplicate_candidates") }} as delivered
        inner join
            {{ periods_to_build("charges_fingerprint") }} as period
            on delivered.source = period.source
            and delivered.billing_month = period.billing_month
        where delivered.lake_row is not null
    ),

    identified as (
        select
            candidates.*,
            {{ litellm_attempt_id() }} as attempt_id,
            -- Only attempts that a provider answered have a provider's id of their own; the others are
            -- compared with their own repetitions alone.
            case
                when was_answered and provider_request_id <> ''
                then 'answer ' || provider_request_id
                else 'attempt ' || cast(was_answered as string) || ' ' || source_system || ' ' || request_id
            end as answer_id,
            {{ is_reused("source_system, request_id") }} as id_is_reused
        from candidates
    ),

    numbered as (
        select
            identified.*, {{ reuse_number("source_system, request_id", "id_is_reused") }} as id_reuse_number
        from identified
    ),

    ranked as (
        select
            numbered.*,
            row_number() over (
                partition by billing_month, source_system, request_id, id_reuse_number
                order by started_at desc, slice_id desc, lake_file desc, lake_row desc
            ) as occurrence
        from numbered
    ),

    answers as (
        select ranked.*, {{ is_reused("answer_id") }} as answer_is_reused from ranked where occurrence = 1
    ),

    reused_answers as (
        select answers.*, {{ reuse_number("answer_id", "answer_is_reused") }} as answer_reuse_number
        from answers
    ),

    compared as (
        select
            reused_answers.*,
            row_number() over (
                partition by billing_month, answer_id, answer_reuse_number
                order by system_rank, started_at desc, request_id, source_system
            ) as answer_rank
        from reused_answers
    ),

    unique_attempts as (select * from compared where answer_rank = 1),

    -- LiteLLM's request id is the response's (gen_ai.response.id); other logs hold that as the provider's id.
    by_response as (
        select others.billing_month, others.lake_file, others.lake_row
        from unique_attempts as others
        inner join
            unique_attempts as gateways
            on others.billing_month = gateways.billing_month
            and others.provider_request_id = gateways.request_id
            and {{ within_a_day("others", "gateways") }}
        where
            others.was_answered
            and gateways.was_answered
            and others.system_rank > gateways.system_rank
            and gateways.source_system in ('litellm', 'litellm_spend_logs')
    ),

    -- A span of an SDK around a request that the gateway below it logs too.
    wrapping_another as (
        select outer_ones.billing_month, outer_ones.lake_file, outer_ones.lake_row
        from unique_attempts as outer_ones
        inner join
            unique_attempts as inner_ones
            on outer_ones.billing_month = inner_ones.billing_month
            and outer_ones.source_system = inner_ones.source_system
            and outer_ones.request_id = inner_ones.parent_request_id
        where outer_ones.was_answered and inner_ones.was_answered
    ),

    -- One id in two systems for the same attempt: LiteLLM's table and its logs.
    by_own_id as (
        select others.billing_month, others.lake_file, others.lake_row
        from unique_attempts as others
        inner join
            unique_attempts as gateways
            on others.billing_month = gateways.billing_month
            and others.attempt_id = gateways.attempt_id
            and {{ within_a_day("others", "gateways") }}
        where others.source_system = 'litellm_spend_logs' and gateways.source_system = 'litellm'
    ),

    -- One provider call under two ids: LiteLLM's bridge between its APIs logs the call that it was asked for
    -- and the one that it makes of it. Retries of a call follow each other, and one of them answers.
    bridged as (
        select others.billing_month, others.lake_file, others.lake_row
        from unique_attempts as others
        inner join
            unique_attempts as firsts
            on others.billing_month = firsts.billing_month
            and others.source_system = firsts.source_system
            and others.call_id = firsts.call_id
            and others.input_tokens = firsts.input_tokens
            and others.output_tokens = firsts.output_tokens
        where
            others.source_system in ('litellm', 'litellm_spend_logs')
            and others.was_answered
            and firsts.was_answered
            and others.operation <> firsts.operation
            and others.started_at <= coalesce(firsts.ended_at, firsts.started_at)
            and (
                others.started_at > firsts.started_at
                or (others.started_at = firsts.started_at and others.request_id > firsts.request_id)
            )
    ),

    duplicates as (
        select *
        from bridged
        union
        select *
        from by_response
        union
        select *
        from wrapping_another
        union
        select *
        from by_own_id
    ),

    -- One token on two keys: one of them uses the other's.
    replayed as (
        select billing_month, verified_token_id as replayed_token_id
        from unique_attempts
        where verified_token_id is not null
        group by billing_month, verified_token_id
        having min(key_hash) <> max(key_hash)
    ),

    classified as (
        select
            candidates.source,
            candidates.billing_month,
            candidates.charges_fingerprint,
            candidates.lake_file,
            candidates.lake_row,
            unique_attempts.lake_row is not null and duplicates.lake_row is null as is_counted,
            replayed.replayed_token_id is not null as is_replayed
        from candidates
        left join
            unique_attempts
            on candidates.billing_month = unique_attempts.billing_month
            and candidates.lake_file = unique_attempts.lake_file
            and candidates.lake_row = unique_attempts.lake_row
        left join
            duplicates
            on candidates.billing_month = duplicates.billing_month
            and candidates.lake_file = duplicates.lake_file
            and candidates.lake_row = duplicates.lake_row
        left join
            replayed
            on candidates.billing_month = replayed.billing_month
            and candidates.verified_token_id = replayed.replayed_token_id
        where candidates.is_of_month
    )

select *
from classified
where not is_counted or is_replayed

union all

-- A month without exclusions keeps one row, so that it is not read again.
select source, billing_month, charges_fingerprint, null, null, null, null
from {{ periods_to_build("charges_fingerprint") }} as processed
where source = '{{ estimating_source() }}'

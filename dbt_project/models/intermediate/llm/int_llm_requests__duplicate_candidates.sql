{{ built_by_period("charges_fingerprint") }}

{%- set columns = [
    "lake_file", "lake_row", "source_system", "request_id", "call_id", "provider_request_id", "parent_request_id",
    "started_at", "slice_id", "key_hash", "status", "error_code", "error_class", "gateway_cache_hit", "actor_status",
    "actor_token_id", "ended_at", "operation", "input_tokens", "output_tokens", "reported_cost",
] -%}
{#- Repeated where it is read, so that each reader takes from millions of rows only the columns that it needs. -#}
{%- set delivered = requests_to_compare("charges_fingerprint") -%}

-- Rows of the lake that share an id, a call or a signed token with another row: only these can be duplicates
-- or replays. They are few; int_llm_requests__exclusions compares those of a month with each other. A call
-- that may have records in two months is compared in both.
with
    repeated_ids as (
        select request_id from {{ delivered }} as delivered group by request_id having count(*) > 1
    ),

    repeated_cache_hits as (
        select {{ litellm_attempt_id() }} as attempt_id
        from {{ delivered }} as delivered
        where request_id like '%_cache_hit%'
        group by {{ litellm_attempt_id() }}
        having count(*) > 1
    ),

    -- Only attempts that a provider answered have a provider's id of their own.
    repeated_responses as (
        select provider_request_id
        from {{ delivered }} as delivered
        where provider_request_id <> '' and {{ is_answered() }}
        group by provider_request_id
        having count(*) > 1
    ),

    -- Records of one call with the same usage: a bridge of one of LiteLLM's APIs to another logs both.
    repeated_calls as (
        select call_id
        from {{ delivered }} as delivered
        where
            call_id is not null
            and source_system in ('litellm', 'litellm_spend_logs')
            and output_tokens is not null
            and {{ is_answered() }}
        group by call_id, source_system, input_tokens, output_tokens
        having count(*) > 1
    ),

    -- LiteLLM's request id is the response's (gen_ai.response.id); other logs hold that as the provider's id.
    responses as (
        select distinct others.provider_request_id as request_id
        from {{ delivered }} as others
        inner join {{ delivered }} as gateways on others.provider_request_id = gateways.request_id
        where
            others.source_system <> 'litellm' and gateways.source_system in ('litellm', 'litellm_spend_logs')
    ),

    parents as (
        select distinct parent_request_id as request_id
        from {{ delivered }} as delivered
        where parent_request_id is not null
    ),

    shared_tokens as (
        select actor_token_id
        from {{ delivered }} as delivered
        where actor_status = 'verified' and actor_token_id is not null
        group by actor_token_id
        having min(key_hash) <> max(key_hash)
    ),

    candidate_ids as (
        select request_id
        from repeated_ids
        union
        select request_id
        from responses
        union
        select request_id
        from parents
    ),

    candidate_responses as (
        select provider_request_id
        from repeated_responses
        union
        select request_id as provider_request_id
        from responses
    ),

    candidates as (
        select billing_month as delivered_month, {{ columns | join(", ") }}
        from {{ delivered }} as delivered
        where
            request_id in (select request_id from candidate_ids)
            or (
                request_id like '%_cache_hit%'
                and {{ litellm_attempt_id() }} in (select attempt_id from repeated_cache_hits)
            )
            or provider_request_id in (select provider_request_id from candidate_responses)
            or parent_request_id is not null
            or call_id in (select call_id from repeated_calls)
            or (actor_status = 'verified' and actor_token_id in (select actor_token_id from shared_tokens))
    )

select
    period.source,
    period.billing_month,
    period.charges_fingerprint,
    candidates.delivered_month = period.billing_month as is_of_month,
    {%- for column in columns %} candidates.{{ column }}{{ "," if not loop.last }} {%- endfor %}
from candidates
inner join
    {{ ref("int_billing_periods__delivered") }} as slice
    on candidates.slice_id = slice.slice_id
    and slice.source = '{{ estimating_source() }}'
inner join
    {{ periods_to_build("charges_fingerprint") }} as period
    on slice.source = period.source
    and slice.billing_month = period.billing_month

union all

-- A month without candidates keeps one row, so that it is not read again.
select source, billing_month, charges_fingerprint, null {%- for _ in columns %}, null{% endfor %}
from {{ periods_to_build("charges_fingerprint") }} as processed
where source = '{{ estimating_source() }}'

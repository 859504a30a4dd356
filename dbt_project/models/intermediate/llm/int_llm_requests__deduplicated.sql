-- Every request attempt once, with all its columns. A view of the lake's rows that count: only
-- fact_llm_request writes them.
with
    requests as (select * from {{ ref("stg_llm_gateway__llm_requests") }}),

    names as (select * from {{ ref("stg_registry__model_names") }}),

    exclusions as (select * from {{ ref("int_llm_requests__exclusions") }} where lake_row is not null),

    identified as (
        select
            requests.*,
            coalesce(names.model, response_model, request_model) as served_model,
            '{{ estimating_source() }}' as source,
            {{ is_answered() }} as is_billed,
            case
                when exclusions.is_replayed
                then 'replayed'
                when actor_status = 'verified'
                then 'verified'
                when actor_status is not null
                then 'refused'
                when coalesce(user_id, end_user_id, team_id, service_name, workflow, customer_id) is not null
                then 'asserted'
                else 'unknown'
            end as identity_status
        from requests
        left join
            exclusions
            on requests.lake_file = exclusions.lake_file
            and requests.lake_row = exclusions.lake_row
        left join
            names
            on requests.provider = names.provider
            and {{ plain_model_name("coalesce(response_model, request_model)") }} = names.model_name
            and cast(requests.started_at as date) >= names.valid_from
            and cast(requests.started_at as date) < names.valid_to
        where coalesce(exclusions.is_counted, true)
    )

select
    -- With the month and day: some servers restart the numbers of their answers (`chatcmpl-1`).
    {{
        md5_key([
            "identified.source_system",
            "identified.request_id",
            "identified.billing_month",
            "cast(cast(identified.started_at as date) as string)",
        ])
    }} as llm_request_key,
    identified.*,
    nullif({{ canonical_model("served_model") }}, '') as model_id,
    {{ canonical_tier("service_tier") }} as served_tier,
    cast(started_at as date) as usage_day,
    case when identity_status = 'verified' then actor_id else user_id end as accountable_id,
    {{
        json_object([
            ["signed_actor", "case when identity_status = 'verified' then actor_id end"],
            ["signed_team", "case when identity_status = 'verified' then actor_team end"],
            ["llm_key", "key_hash"],
            ["llm_key_alias", "key_alias"],
            ["request_team", "team_id"],
            ["request_service", "service_name"],
            ["request_workflow", "workflow"],
            ["request_feature", "feature"],
            ["request_customer", "customer_id"],
            ["identity", "identity_status"],
            ["source", "'llm_gateway'"],
        ])
    }} as claims
from identified

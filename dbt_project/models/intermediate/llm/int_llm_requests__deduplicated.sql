{{
    config(
        materialized="incremental",
        incremental_strategy=by_period_strategy(),
        partition_by=by_period_partitions(),
        on_schema_change="fail",
        pre_hook="{{ drop_stale_periods('charges_fingerprint') }}",
    )
}}

-- The same request may be told by two sources, or delivered twice: it counts once.
with
    requests as (select * from {{ ref("stg_llm_gateway__llm_requests") }}),

    periods as (select * from {{ periods_to_build("charges_fingerprint") }} where source = 'llm_gateway'),

    current_requests as (
        select requests.*, periods.source, periods.charges_fingerprint
        from requests
        inner join periods on requests.billing_month = periods.billing_month
    ),

    ranked as (
        select
            current_requests.*,
            row_number() over (
                partition by source_system, request_id order by started_at desc, slice_id desc
            ) as occurrence,
            case
                source_system when 'litellm' then 1 when 'litellm_spend_logs' then 2 else 3
            end as system_rank
        from current_requests
    ),

    -- Only attempts that a provider answered have an id of the provider's that is theirs alone.
    compared as (
        select
            ranked.*,
            case
                when provider_request_id is not null and status = 'success' and not gateway_cache_hit
                then
                    min(system_rank) over (
                        partition by provider, provider_request_id, status, gateway_cache_hit
                    )
                else system_rank
            end as best_rank
        from ranked
        where occurrence = 1
    )

select
    {{ md5_key(["source_system", "request_id"]) }} as llm_request_key,
    compared.*,
    {{ canonical_model("coalesce(response_model, request_model)") }} as model_id,
    status = 'success' and not gateway_cache_hit as is_billed,
    {{ canonical_tier("service_tier") }} as served_tier,
    cast(started_at as date) as usage_day,
    {{
        json_object([
            ["llm_key", "key_hash"],
            ["llm_key_alias", "key_alias"],
            ["request_team", "team_id"],
            ["request_service", "service_name"],
            ["request_workflow", "workflow"],
            ["request_feature", "feature"],
            ["request_customer", "customer_id"],
            ["source", "'llm_gateway'"],
        ])
    }} as claims
from compared
where system_rank = best_rank

{%- set use = ["team_id", "service_id", "workflow_id", "environment"] %}
-- The uses of a key that serves several teams, services, workflows or environments, and a suggested split.
with
    requests as (select * from {{ ref("fact_llm_request") }} where key_hash is not null),

    keys as (
        select
            key_hash,
            max(key_alias) as key_alias,
            count(distinct team_id) as team_count,
            count(distinct service_id) as service_count,
            count(distinct workflow_id) as workflow_count,
            count(distinct environment) as environment_count,
            coalesce(sum(total_tokens), 0) as key_tokens
        from requests
        group by key_hash
    ),

    uses as (
        select
            key_hash,
            {{ use | join(", ") }},
            case when min(owner_id) = max(owner_id) then min(owner_id) end as owner_id,
            min(usage_day) as first_used_on,
            max(usage_day) as last_used_on,
            count(*) as request_count,
            sum(total_tokens) as total_tokens,
            cast(sum(computed_list_cost) as decimal(38, 12)) as computed_list_cost
        from requests
        group by key_hash, {{ use | join(", ") }}
    ),

    weights as (
        select
            uses.*,
            keys.key_alias,
            keys.team_count,
            keys.service_count,
            keys.workflow_count,
            keys.environment_count,
            case
                when keys.key_tokens > 0 then coalesce(uses.total_tokens, 0) else uses.request_count
            end as weight
        from uses
        inner join keys on uses.key_hash = keys.key_hash
        where
            keys.team_count > 1
            or keys.service_count > 1
            or keys.workflow_count > 1
            or keys.environment_count > 1
    ),

    cumulated as (
        select
            weights.*,
            sum(weight) over (partition by key_hash) as total_weight,
            {{ running_weight("weight", "key_hash", use | join(", ")) }} as cumulative_weight
        from weights
    )

select
    key_hash,
    key_alias,
    {{ use | join(", ") }},
    owner_id,
    team_count,
    service_count,
    workflow_count,
    environment_count,
    first_used_on,
    last_used_on,
    request_count,
    cast(total_tokens as bigint) as total_tokens,
    computed_list_cost,
    {{ exact_share("cast(1 as decimal(38, 12))", "(cumulative_weight - weight)", "cumulative_weight", "total_weight") }}
    as suggested_share
from cumulated

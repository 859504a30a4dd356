-- Names, holders and tags of projects, workspaces and keys, one row each.
with entities as (select * from {{ ref("stg_llm_providers__entities") }})

select
    provider,
    kind,
    entity_id,
    max(slice_id) as slice_id,
    max(name) as name,
    max(case when owner_kind = 'service_account' then owner_id end) as service_account_id,
    max(case when owner_kind = 'user' then owner_id end) as user_id,
    max(tags) as tags
from entities
where kind in ('project', 'workspace', 'api_key')
group by provider, kind, entity_id

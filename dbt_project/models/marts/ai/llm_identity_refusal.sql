with
    requests as (
        select *, case when identity_status = 'replayed' then 'replayed' else actor_status end as reason
        from {{ ref("fact_llm_request") }}
        where identity_status in ('refused', 'replayed')
    )

select
    usage_day,
    key_hash,
    key_alias,
    reason,
    owner_id,
    count(*) as request_count,
    count(distinct actor_token_id) as token_count,
    cast(sum(computed_list_cost) as decimal(38, 12)) as computed_list_cost
from requests
group by usage_day, key_hash, key_alias, reason, owner_id

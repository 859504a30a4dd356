{{ config(meta={"refresh": "always"}) }}

with owners as (select * from {{ ref("stg_registry__owners") }})

select
    {{ md5_key(["owner_id", "valid_from"]) }} as owner_key,
    owner_id,
    owner_kind,
    name,
    parent_owner_id,
    team_owner_id,
    owner_path,
    cost_center,
    contact,
    steward,
    valid_from,
    valid_to,
    valid_from <= {{ today() }} and {{ today() }} < valid_to as is_current
from owners

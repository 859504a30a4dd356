-- `unowned` is an owner with a steward, so that no cost is left without somebody who looks after it.
select owner_id from {{ ref("dim_owner") }} where owner_kind = 'unowned' and steward is null

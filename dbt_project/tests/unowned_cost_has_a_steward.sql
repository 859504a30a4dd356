-- The owner `unowned` has a steward, so that somebody is responsible for cost without an owner.
select owner_id from {{ ref("dim_owner") }} where owner_kind = 'unowned' and steward is null

-- Nothing falls off the page: `unowned` is an owner, and somebody looks after it.
select owner_id from {{ ref("dim_owner") }} where owner_kind = 'unowned' and steward is null

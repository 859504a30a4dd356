-- A bill that a FOCUS export and another source (or another FOCUS export) both deliver would count twice:
-- there must be none.
with
    delivered as (
        select distinct billing_account_id, billing_month, source, slice_id from {{ ref("fact_cost") }}
    ),

    exports as (select * from delivered where source = 'focus')

select
    exports.billing_account_id,
    exports.billing_month,
    exports.slice_id as focus_slice_id,
    others.source as other_source,
    others.slice_id as other_slice_id,
    'account '
    || exports.billing_account_id
    || ', '
    || exports.billing_month
    || ' is delivered by focus slice '
    || exports.slice_id
    || ' and by '
    || others.source
    || ' slice '
    || others.slice_id
    || ': name the export in sources.focus.compare_only, or stop delivering the other' as message
from exports
inner join
    delivered as others
    on exports.billing_account_id = others.billing_account_id
    and exports.billing_month = others.billing_month
    and (others.source <> 'focus' or exports.slice_id < others.slice_id)

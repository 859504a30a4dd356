-- Claims that are dear to make, and whether a rule asks for them: with resource ids hardly two charges
-- would claim the same.
with rules as (select * from {{ ref("stg_registry__ownership_rules") }})

select coalesce(max(case when claim = 'aws_resource' then 1 else 0 end), 0) = 1 as requires_resource
from rules

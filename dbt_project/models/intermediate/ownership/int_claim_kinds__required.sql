-- Resource ids are claims only where a rule needs them: with them, hardly two charges have the same set of
-- claims.
with rules as (select * from {{ ref("stg_registry__ownership_rules") }})

select coalesce(max(case when claim = 'aws_resource' then 1 else 0 end), 0) = 1 as requires_resource
from rules

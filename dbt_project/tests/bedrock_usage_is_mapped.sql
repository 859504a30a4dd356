{{ config(severity="warn") }}

-- The seeds bedrock_models, bedrock_meters and aws_units have all Bedrock usage that is in tokens. Other
-- usage is kept
-- as it is until it is added to them; usage that is known not to be in tokens (images, throughput …) is
-- left out.
select *
from {{ ref("int_aws_bedrock_lines__unmapped") }}
where bedrock_kind in ('tokens', 'other') and line_count > 0

{{ config(severity="warn") }}

-- Bedrock usage that no seed knows is kept; bedrock_models, bedrock_meters or aws_units should learn
-- it. What is known to be of no tokens (images, throughput …) has nothing to learn.
select *
from {{ ref("int_aws_bedrock_lines__unmapped") }}
where bedrock_kind in ('tokens', 'other') and line_count > 0

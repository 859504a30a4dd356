{{ config(severity="warn") }}

-- Bedrock usage that no seed knows is kept; bedrock_models, bedrock_meters or aws_units should learn it.
select *
from {{ ref("int_aws_bedrock_lines__unmapped") }}

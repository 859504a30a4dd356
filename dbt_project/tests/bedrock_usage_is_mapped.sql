{{ config(severity="warn") }}

-- Every usage type of Bedrock tokens is in the seeds bedrock_models, bedrock_meters and aws_units. Its cost
-- is in
-- the ledger in any case. Usage without tokens (images, throughput …) needs no entry.
select *
from {{ ref("int_aws_bedrock_lines__unmapped") }}
where bedrock_kind in ('tokens', 'other') and line_count > 0

{{ config(severity="warn") }}

-- The seeds bedrock_models, bedrock_meters and aws_units have every usage type of Bedrock tokens. The
-- cost of an unmapped type is in the ledger too. Usage without tokens (images, throughput …) needs no
-- entry.
select *
from {{ ref("int_aws_bedrock_lines__unmapped") }}
where bedrock_kind in ('tokens', 'other') and line_count > 0

-- Prompt and response text that gateways send and ingestion drops: turn it off at the gateway.
select
    source_system,
    field,
    usage_day,
    cast(sum(record_count) as bigint) as record_count,
    cast(sum(redacted_count) as bigint) as redacted_count,
    cast(sum(record_count) - sum(redacted_count) as bigint) as text_count
from {{ ref("stg_llm_gateway__dropped_fields") }}
where not is_usage
group by source_system, field, usage_day

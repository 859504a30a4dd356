select cast('{{ estimating_source() }}' as string) as source, billing_month, slice_id, load_id, place, reason
from {{ ref("stg_llm_gateway__rejected_records") }}

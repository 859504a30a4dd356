with delivered as (select * from {{ lake_table("raw_llm_providers", "anthropic_claude_code") }})

select
    {{ utc_timestamp("bucket_start") }} as bucket_start,
    {{ utc_timestamp("bucket_end") }} as bucket_end,
    actor_kind,
    actor,
    customer_type,
    subscription_type,
    terminal_type,
    num_sessions,
    lines_added,
    lines_removed,
    commits,
    pull_requests,
    tool_actions,
    extra,
    slice_id,
    delivery_load_id as load_id,
    billing_month
from delivered

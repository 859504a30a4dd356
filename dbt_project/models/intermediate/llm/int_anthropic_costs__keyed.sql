{%- set result = "load_id, slice_id, content_key, occurrence" -%}
-- Anthropic bills no keys: a cost of tokens is shared out over the keys that used tokens of its bucket.
-- What the Workbench used has no key; what no usage explains (code execution) stays whole.
with
    costs as (select * from {{ ref("int_anthropic_costs__parsed") }}),

    used as (select * from {{ ref("int_llm_usage__keyed") }} where ai_provider = 'anthropic'),

    weights as (
        select costs.*, used.key_id as used_key_id, {{ whole_number("used.tokens") }} as weight
        from costs
        left join
            used
            on cast(costs.bucket_start as date) = used.usage_day
            and costs.account_id = used.ai_account
            and costs.model = used.ai_model
            and costs.token_class = used.ai_token_class
            and costs.service_tier = used.ai_service_tier
    ),

    cumulated as (
        select
            weights.*,
            count(*) over (partition by {{ result }}) as keys,
            sum(weight) over (partition by {{ result }}) as total_weight,
            {{ running_weight("weight", result, "coalesce(used_key_id, '')") }} as cumulative_weight
        from weights
    )

select
    slice_id,
    load_id,
    billing_month,
    bucket_start,
    bucket_end,
    case
        when total_weight is null
        then amount
        else {{ exact_share("amount", "cumulative_weight - weight", "cumulative_weight", "total_weight") }}
    end as amount,
    currency,
    description,
    model,
    token_class,
    service_tier,
    case when tokens is not null then cast(weight as decimal(38, 12)) end as tokens,
    account_id,
    used_key_id as key_id,
    vendor_charge_id,
    case
        when keys = 1 then content_key else {{ md5_key(["content_key", "coalesce(used_key_id, '')"]) }}
    end as content_key,
    occurrence
from cumulated

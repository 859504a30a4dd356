{%- set result = "load_id, slice_id, content_key, occurrence" -%}

-- Anthropic's cost report states neither tokens nor keys. Both come from the usage report of the same day,
-- workspace, model, token class and tier: a cost is split over the keys that used the bucket. Usage of the
-- Workbench has no key; a cost without usage (code execution) stays whole.
with
    costs as (select * from {{ ref("stg_llm_providers__anthropic_cost_report") }}),

    token_classes as (select * from {{ ref("llm_token_classes") }} where provider = 'anthropic'),

    used as (select * from {{ ref("int_llm_usage__keyed") }} where ai_provider = 'anthropic'),

    named as (
        select
            costs.*,
            {{ canonical_model("costs.model") }} as model_id,
            coalesce(costs.workspace_id, 'default') as account_id,
            {{ canonical_tier("costs.service_tier") }} as tier,
            token_classes.token_class,
            {{
                md5_key([
                    "bucket_start", "description", "costs.model", "token_type", "service_tier", "context_window",
                    "inference_geo", "workspace_id", "amount", "currency",
                ])
            }}
            as content_key
        from costs
        left join token_classes on costs.token_type = token_classes.vendor_name
    ),

    counted as (
        select
            named.*,
            row_number() over (
                partition by load_id, slice_id, content_key order by content_key
            ) as occurrence,
            count(*) over (
                partition by load_id, slice_id, bucket_start, account_id, model_id, token_class, tier
            ) as results_in_bucket
        from named
    ),

    weighted as (
        select counted.*, used.key_id, {{ whole_number("used.tokens") }} as weight
        from counted
        left join
            used
            on cast(counted.bucket_start as date) = used.usage_day
            and counted.account_id = used.ai_account
            and counted.model_id = used.ai_model
            and counted.token_class = used.ai_token_class
            and counted.tier = used.ai_service_tier
    ),

    cumulated as (
        select
            weighted.*,
            count(*) over (partition by {{ result }}) as keys,
            sum(weight) over (partition by {{ result }}) as total_weight,
            {{ running_weight("weight", result, "coalesce(key_id, '')") }} as cumulative_weight
        from weighted
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
    model_id as model,
    token_class,
    tier as service_tier,
    -- Results that share a bucket (context windows, regions) have no token count of their own.
    case when results_in_bucket = 1 then cast(weight as decimal(38, 12)) end as tokens,
    account_id,
    key_id,
    {{ llm_charge_id("'anthropic'", ["account_id", "model_id, description", "token_class"]) }}
    || case when tier = 'standard' then '' else '|' || tier end as vendor_charge_id,
    case
        when keys = 1 then content_key else {{ md5_key(["content_key", "coalesce(key_id, '')"]) }}
    end as content_key
from cumulated

-- Anthropic's cost report names no tokens: they come from the usage report of the same day, workspace and
-- model.
with
    costs as (select * from {{ ref("stg_llm_providers__anthropic_cost_report") }}),

    token_classes as (select * from {{ ref("llm_token_classes") }} where provider = 'anthropic'),

    used as (select * from {{ ref("int_llm_usage__bucketed") }} where ai_provider = 'anthropic'),

    named as (
        select
            costs.*,
            {{ canonical_model("costs.model") }} as model_id,
            coalesce(costs.workspace_id, 'default') as account,
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

    -- A bucket that several results share (context windows, places) has no token count of its own.
    counted as (
        select
            named.*,
            count(*) over (
                partition by load_id, slice_id, bucket_start, account, model_id, token_class, tier
            ) as results_in_bucket
        from named
    )

select
    counted.slice_id,
    counted.load_id,
    counted.billing_month,
    counted.bucket_start,
    counted.bucket_end,
    counted.amount,
    counted.currency,
    counted.description,
    counted.model_id as model,
    counted.token_class,
    counted.tier as service_tier,
    case when counted.results_in_bucket = 1 then cast(used.tokens as decimal(38, 12)) end as tokens,
    counted.account as account_id,
    cast(null as string) as key_id,
    {{ llm_charge_id("'anthropic'", ["counted.account", "counted.model_id, counted.description", "counted.token_class"]) }}
    || case when counted.tier = 'standard' then '' else '|' || counted.tier end as vendor_charge_id,
    counted.content_key,
    {{ occurrence_of_content() }} as occurrence
from counted
left join
    used
    on cast(counted.bucket_start as date) = used.usage_day
    and counted.account = used.ai_account
    and counted.model_id = used.ai_model
    and counted.token_class = used.ai_token_class
    and counted.tier = used.ai_service_tier

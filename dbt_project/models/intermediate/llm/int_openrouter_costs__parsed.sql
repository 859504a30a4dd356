-- OpenRouter tells what a model's requests cost a day, and not which kind of token: the whole is one charge.
-- Inference with one's own key is on the provider's bill: only OpenRouter's fee is here.
with
    delivered as (select * from {{ ref("stg_llm_providers__openrouter_activity") }}),

    keyed as (
        select
            delivered.*,
            {{
                md5_key([
                    "bucket_start", "model", "model_permaslug", "endpoint_id", "provider_name", "workspace_id", "amount",
                    "byok_inference", "requests",
                ])
            }}
            as content_key
        from delivered
    )

select
    slice_id,
    load_id,
    billing_month,
    bucket_start,
    bucket_end,
    amount,
    currency,
    model || ' at ' || coalesce(provider_name, 'any provider') as description,
    {{ canonical_model("model") }} as model,
    cast(null as string) as token_class,
    cast(null as string) as service_tier,
    cast(null as decimal(38, 12)) as tokens,
    workspace_id as account_id,
    cast(null as string) as key_id,
    {{ llm_charge_id("'openrouter'", ["workspace_id", "model", "''"]) }} as vendor_charge_id,
    content_key,
    {{ occurrence_of_content() }} as occurrence
from keyed

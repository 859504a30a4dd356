-- What other providers bill, from the files of the contract.
with
    delivered as (select * from {{ ref("stg_llm_providers__llm_provider_costs") }}),

    keyed as (
        select
            delivered.*,
            {{ canonical_provider("lower(provider)") }} as ai_provider,
            {{
                md5_key([
                    "bucket_start", "provider", "account", "model", "token_class", "service_tier", "quantity", "unit",
                    "amount", "currency", "description", "key",
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
    coalesce(description, model) as description,
    {{ canonical_model("model") }} as model,
    token_class,
    service_tier,
    case when lower(unit) = 'tokens' then quantity end as tokens,
    account as account_id,
    key as key_id,
    ai_provider as provider,
    provider as issuer,
    {{ llm_charge_id("'llm_costs|' || ai_provider", ["account", "model, description", "token_class"]) }}
    as vendor_charge_id,
    content_key,
    {{ occurrence_of_content() }} as occurrence
from keyed

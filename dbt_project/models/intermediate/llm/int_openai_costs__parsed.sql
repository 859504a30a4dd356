-- OpenAI names model and kind of token in one text, `gpt-5-mini-2025-08-07, cached input`.
with
    costs as (select * from {{ ref("stg_llm_providers__openai_costs") }}),

    token_classes as (select * from {{ ref("llm_token_classes") }} where provider = 'openai'),

    split as (
        select
            costs.*,
            {{ canonical_model(text_before_last("line_item", ", ")) }} as model,
            {{ text_after_last("line_item", ", ") }} as kind,
            {{ md5_key(["bucket_start", "line_item", "project_id", "api_key_id", "amount", "currency"]) }}
            as content_key
        from costs
    )

select
    split.slice_id,
    split.load_id,
    split.billing_month,
    split.bucket_start,
    split.bucket_end,
    split.amount,
    split.currency,
    split.line_item as description,
    case when token_classes.token_class is not null then split.model end as model,
    token_classes.token_class,
    cast(null as string) as service_tier,
    case when token_classes.token_class is not null then split.quantity end as tokens,
    split.project_id as account_id,
    split.api_key_id as key_id,
    {{
        llm_charge_id(
            "'openai'",
            [
                "split.project_id",
                "case when token_classes.token_class is not null then split.model end, split.line_item",
                "token_classes.token_class",
            ],
        )
    }} as vendor_charge_id,
    split.content_key,
    {{ occurrence_of_content() }} as occurrence
from split
left join token_classes on split.kind = token_classes.vendor_name

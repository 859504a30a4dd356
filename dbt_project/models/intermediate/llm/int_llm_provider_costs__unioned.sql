{%- set columns = [
    "slice_id", "load_id", "billing_month", "bucket_start", "bucket_end", "amount", "currency", "description",
    "model", "token_class", "service_tier", "tokens", "account_id", "key_id", "vendor_charge_id", "content_key",
] -%}

-- The daily cost results of all LLM providers in one shape.
with
    openai_token_classes as (select * from {{ ref("llm_token_classes") }} where provider = 'openai'),

    -- OpenAI names model and token class in one text: `gpt-5-mini-2025-08-07, cached input`.
    openai_named as (
        select
            costs.*,
            token_classes.token_class,
            case
                when token_classes.token_class is not null
                then {{ canonical_model(text_before_last("line_item", ", ")) }}
            end as model
        from {{ ref("stg_llm_providers__openai_costs") }} as costs
        left join
            openai_token_classes as token_classes
            on {{ text_after_last("costs.line_item", ", ") }} = token_classes.vendor_name
    ),

    openai as (
        select
            slice_id,
            load_id,
            billing_month,
            bucket_start,
            bucket_end,
            amount,
            currency,
            line_item as description,
            model,
            token_class,
            cast(null as string) as service_tier,
            case when token_class is not null then quantity end as tokens,
            project_id as account_id,
            api_key_id as key_id,
            {{ llm_charge_id("'openai'", ["project_id", "model, line_item", "token_class"]) }}
            as vendor_charge_id,
            {{ md5_key(["bucket_start", "line_item", "project_id", "api_key_id", "amount", "currency"]) }}
            as content_key
        from openai_named
    ),

    anthropic as (select * from {{ ref("int_anthropic_costs__keyed") }}),

    -- OpenRouter states what a model's requests cost a day, not by token class: the whole is one charge.
    -- Inference with a customer's own key is on the provider's bill: only OpenRouter's fee is here.
    openrouter as (
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
            {{
                md5_key([
                    "bucket_start", "model", "model_permaslug", "endpoint_id", "provider_name", "workspace_id", "amount",
                    "byok_inference", "requests",
                ])
            }}
            as content_key
        from {{ ref("stg_llm_providers__openrouter_activity") }}
    ),

    -- Any other provider comes as files in the documented format, which name it in each row.
    file_costs as (
        select costs.*, provider_id as ai_provider
        from {{ ref("stg_llm_providers__llm_provider_costs") }} as costs
    ),

    files as (
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
            {{ llm_charge_id("'llm_costs|' || ai_provider", ["account", "model, description", "token_class"]) }}
            as vendor_charge_id,
            {{
                md5_key([
                    "bucket_start", "provider", "account", "model", "token_class", "service_tier", "quantity", "unit",
                    "amount", "currency", "description", "key",
                ])
            }}
            as content_key,
            ai_provider,
            provider
        from file_costs
    ),

    unioned as (
        {% for source, provider, issuer, sub_account_type, relation in [
            ("openai", "'openai'", "'OpenAI'", "Project", "openai"),
            ("anthropic", "'anthropic'", "'Anthropic'", "Workspace", "anthropic"),
            ("openrouter", "'openrouter'", "'OpenRouter'", "Workspace", "openrouter"),
            ("llm_costs", "ai_provider", "provider", "Project", "files"),
        ] %}
            select
                '{{ source }}' as source,
                {{ provider }} as provider,
                {{ issuer }} as issuer,
                '{{ sub_account_type }}' as sub_account_type,
                {{ columns | join(", ") }}
            from {{ relation }}
            {% if not loop.last %}
                union all
            {% endif %}
        {% endfor %}
    )

-- Equal results of a slice are charges of their own: the first, the second …
select
    unioned.*,
    row_number() over (partition by source, load_id, slice_id, content_key order by content_key) as occurrence
from unioned

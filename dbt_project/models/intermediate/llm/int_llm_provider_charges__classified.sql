{%- set known = [
    "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
    "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
    "billing_account_type", "billing_currency", "pricing_currency", "billing_period_start", "billing_period_end",
    "charge_category", "charge_description", "charge_frequency", "charge_period_start", "charge_period_end",
    "consumed_quantity", "consumed_unit", "pricing_quantity", "pricing_unit", "pricing_category",
    "list_unit_price", "contracted_unit_price", "invoice_id", "invoice_issuer_name", "service_provider_name",
    "host_provider_name", "provider_name", "publisher_name", "service_name", "service_category",
    "service_subcategory", "sku_id", "sku_meter", "sku_price_id", "sub_account_id", "sub_account_name",
    "sub_account_type", "resource_id", "resource_name", "resource_type", "tags", "claims", "ai_provider",
    "ai_model", "ai_token_class", "ai_service_tier", "ai_account",
] -%}
{%- set workspace_tags = [] -%}
{%- for key in claim_tag_keys() -%}
    {%- do workspace_tags.append(
        ["anthropic_workspace_tag:" ~ key, "case when source = 'anthropic' then " ~ json_text("account_tags", key) ~ " end"]
    ) -%}
{%- endfor -%}

-- What LLM providers bill, in FOCUS terms. Each token class is a charge with a price of its own; FOCUS 1.4
-- counts tokens as a unit, not as a virtual currency. The provider's lists give names, key holders and
-- workspace tags.
with
    costs as (select * from {{ ref("int_llm_provider_costs__unioned") }}),

    entities as (select * from {{ ref("int_llm_entities__named") }}),

    accounts as (select * from entities where kind in ('project', 'workspace')),

    api_keys as (select * from entities where kind = 'api_key'),

    named as (
        select
            costs.*,
            coalesce(
                costs.tokens > 0 and costs.tokens < 10000000000000 and costs.amount >= 0, false
            ) as has_tokens,
            cast(date_trunc('month', costs.bucket_start) as timestamp) as month_start,
            accounts.name as account_name,
            accounts.tags as account_tags,
            api_keys.name as key_name,
            api_keys.service_account_id,
            api_keys.user_id
        from costs
        left join
            accounts
            on costs.source = accounts.provider
            and lower(costs.sub_account_type) = accounts.kind
            and costs.account_id = accounts.entity_id
        left join api_keys on costs.source = api_keys.provider and costs.key_id = api_keys.entity_id
    ),

    measured as (
        select
            named.*,
            has_tokens and token_class is not null as is_of_tokens,
            case
                when has_tokens
                then {{ decimal_product("tokens", "0.000001") }}
                when amount >= 0
                then cast(1 as decimal(38, 12))
            end as pricing_quantity
        from named
    ),

    priced as (
        select
            measured.*,
            case
                when amount >= 0 and pricing_quantity > 0 then {{ unit_price("amount", "pricing_quantity") }}
            end as rounded_price
        from measured
    ),

    described as (
        select
            source,
            slice_id,
            load_id,
            billing_month,
            {{ md5_key(["source", "slice_id", "content_key", "occurrence"]) }} as charge_key,
            vendor_charge_id,
            {% for cost in cost_columns() %} amount as {{ cost }}, {% endfor %}
            provider as billing_account_id,
            issuer || ' organization' as billing_account_name,
            'Organization' as billing_account_type,
            currency as billing_currency,
            currency as pricing_currency,
            month_start as billing_period_start,
            month_start + interval '1' month as billing_period_end,
            case when amount < 0 then 'Credit' else 'Usage' end as charge_category,
            coalesce(description, 'unnamed') as charge_description,
            case when amount < 0 then 'One-Time' else 'Usage-Based' end as charge_frequency,
            bucket_start as charge_period_start,
            bucket_end as charge_period_end,
            case when has_tokens then tokens when amount >= 0 then 1 end as consumed_quantity,
            case when has_tokens then 'Tokens' when amount >= 0 then 'Units' end as consumed_unit,
            pricing_quantity,
            case when has_tokens then '1000000 Tokens' when amount >= 0 then 'Units' end as pricing_unit,
            case when amount >= 0 then 'Standard' end as pricing_category,
            {% for price in ["list_unit_price", "contracted_unit_price"] %}
                {{ consistent_unit_price("rounded_price", "pricing_quantity", "amount") }} as {{ price }},
            {% endfor %}
            'provisional:' || issuer || ':' || billing_month as invoice_id,
            {% for name in [
                "invoice_issuer_name",
                "service_provider_name",
                "host_provider_name",
                "provider_name",
                "publisher_name",
            ] %}
                issuer as {{ name }},
            {% endfor %}
            issuer || ' API' as service_name,
            'AI and Machine Learning' as service_category,
            'Generative AI' as service_subcategory,
            case
                when amount >= 0
                then provider || '/' || coalesce(model, 'other') || '/' || coalesce(token_class, 'other')
            end as sku_id,
            coalesce(token_class, 'other') as sku_meter,
            case
                when amount >= 0
                then
                    provider
                    || '/'
                    || coalesce(model, description, 'other')
                    || '/'
                    || coalesce(token_class, 'other')
            end as sku_price_id,
            account_id as sub_account_id,
            coalesce(account_name, account_id) as sub_account_name,
            case when account_id is not null then sub_account_type end as sub_account_type,
            key_id as resource_id,
            key_name as resource_name,
            case when key_id is not null then 'API Key' end as resource_type,
            coalesce(account_tags, '{}') as tags,
            {{
                json_object([
                    ["llm_key", "provider || ':' || key_id"],
                    ["llm_service_account", "service_account_id"],
                    ["llm_user", "user_id"],
                    ["llm_project", "case when sub_account_type = 'Project' then account_id end"],
                    ["llm_workspace", "case when sub_account_type = 'Workspace' then account_id end"],
                ] + workspace_tags + [
                    ["llm_key_alias", "key_name"],
                    ["llm_provider", "provider"],
                    ["source", "source"],
                ])
            }} as claims,
            case when is_of_tokens then provider end as ai_provider,
            case when is_of_tokens then model end as ai_model,
            case when is_of_tokens then token_class end as ai_token_class,
            case when is_of_tokens then service_tier end as ai_service_tier,
            case when is_of_tokens then account_id end as ai_account
        from priced
    )

    {{ charge_select("described", known) }}

{% macro llm_charge_columns() %}
    {{
        return(
            [
                "source", "slice_id", "load_id", "billing_month", "charge_key", "vendor_charge_id", "billed_cost",
                "effective_cost", "list_cost", "contracted_cost", "billing_account_id", "billing_account_name",
                "billing_account_type", "billing_currency", "pricing_currency", "billing_period_start",
                "billing_period_end", "charge_category", "charge_description", "charge_frequency",
                "charge_period_start", "charge_period_end", "consumed_quantity", "consumed_unit",
                "pricing_quantity", "pricing_unit", "pricing_category", "list_unit_price", "contracted_unit_price",
                "invoice_id", "invoice_issuer_name", "service_provider_name", "host_provider_name",
                "provider_name", "publisher_name", "service_name", "service_category", "service_subcategory",
                "sku_id", "sku_meter", "sku_price_id", "sub_account_id", "sub_account_name", "sub_account_type",
                "resource_id", "resource_name", "resource_type", "tags", "claims", "ai_provider", "ai_model",
                "ai_token_class", "ai_service_tier", "ai_account",
            ]
        )
    }}
{% endmacro %}

{% macro llm_charge_select(relation, source, issuer, sub_account_type, entities=false, provider=none) %}
    {#-
        Charges of an LLM provider in FOCUS terms, from a relation of its daily cost results: slice_id, load_id,
        billing_month, bucket_start, bucket_end, amount, currency, description, model, token_class (NULL where it is
        not of tokens), service_tier (NULL where the report does not tell tiers apart), tokens (NULL where unknown), account_id, key_id, vendor_charge_id, content_key, occurrence.
        One row a token class, each with a price of its own (facts of FOCUS 1.4: tokens are no virtual currency).

        `entities`: the provider's lists tell names, key holders and workspace tags. `provider` is the column that names
        the provider, of a source that holds several; `issuer` is then a column as well.
    -#}
    {%- set issuer_text = issuer if provider else "'" ~ issuer ~ "'" -%}
    {%- set provider_text = provider or "'" ~ source ~ "'" -%}
    with
        {% if entities %}
            entities as (select * from {{ ref("int_llm_entities__named") }} where provider = '{{ source }}'),

            accounts as (select * from entities where kind = '{{ sub_account_type | lower }}'),

            api_keys as (select * from entities where kind = 'api_key'),
        {% endif %}

        measured as (
            select
                result.*,
                coalesce(tokens > 0 and tokens < 10000000000000 and amount >= 0, false) as has_tokens,
                cast(date_trunc('month', bucket_start) as timestamp) as month_start,
                {% if entities %}
                    accounts.name as account_name,
                    accounts.tags as account_tags,
                    api_keys.name as key_name,
                    api_keys.service_account_id,
                    api_keys.user_id
                {% else %}
                    cast(null as string) as account_name,
                    cast(null as string) as account_tags,
                    cast(null as string) as key_name,
                    cast(null as string) as service_account_id,
                    cast(null as string) as user_id
                {% endif %}
            from {{ relation }} as result
            {% if entities %}
                left join accounts on result.account_id = accounts.entity_id
                left join api_keys on result.key_id = api_keys.entity_id
            {% endif %}
        ),

        priced as (
            select
                measured.*,
                case
                    when has_tokens
                    then {{ decimal_product("tokens", "0.000001") }}
                    when amount >= 0
                    then cast(1 as decimal(38, 12))
                end as pricing_quantity
            from measured
        ),

        divided as (
            select
                priced.*,
                case
                    when amount >= 0 and pricing_quantity > 0
                    then {{ unit_price("amount", "pricing_quantity") }}
                end as rounded_price
            from priced
        ),

        described as (
            select
                '{{ source }}' as source,
                slice_id,
                load_id,
                billing_month,
                {{ md5_key(["'" ~ source ~ "'", "slice_id", "content_key", "occurrence"]) }} as charge_key,
                vendor_charge_id,
                amount as billed_cost,
                amount as effective_cost,
                amount as list_cost,
                amount as contracted_cost,
                {{ provider_text }} as billing_account_id,
                {{ issuer_text }} || ' organization' as billing_account_name,
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
                {{ consistent_unit_price("rounded_price", "pricing_quantity", "amount") }} as list_unit_price,
                {{ consistent_unit_price("rounded_price", "pricing_quantity", "amount") }}
                as contracted_unit_price,
                'provisional:' || {{ issuer_text }} || ':' || billing_month as invoice_id,
                {{ issuer_text }} as invoice_issuer_name,
                {{ issuer_text }} as service_provider_name,
                {{ issuer_text }} as host_provider_name,
                {{ issuer_text }} as provider_name,
                {{ issuer_text }} as publisher_name,
                {{ issuer_text }} || ' API' as service_name,
                'AI and Machine Learning' as service_category,
                'Generative AI' as service_subcategory,
                case
                    when amount >= 0
                    then
                        {{ provider_text }}
                        || '/'
                        || coalesce(model, 'other')
                        || '/'
                        || coalesce(token_class, 'other')
                end as sku_id,
                coalesce(token_class, 'other') as sku_meter,
                case
                    when amount >= 0
                    then
                        {{ provider_text }}
                        || '/'
                        || coalesce(model, description, 'other')
                        || '/'
                        || coalesce(token_class, 'other')
                end as sku_price_id,
                account_id as sub_account_id,
                coalesce(account_name, account_id) as sub_account_name,
                case when account_id is not null then '{{ sub_account_type }}' end as sub_account_type,
                key_id as resource_id,
                key_name as resource_name,
                case when key_id is not null then 'API Key' end as resource_type,
                coalesce(account_tags, '{}') as tags,
                {{
                    json_object([
                        ["llm_key", provider_text ~ " || ':' || key_id"],
                        ["llm_service_account", "service_account_id"],
                        ["llm_user", "user_id"],
                        ["llm_" ~ (sub_account_type | lower), "account_id"],
                    ] + workspace_tag_claims(source, "account_tags") + [
                        ["llm_key_alias", "key_name"],
                        ["llm_provider", provider_text],
                        ["source", "'" ~ source ~ "'"],
                    ])
                }} as claims,
                case when has_tokens and token_class is not null then {{ provider_text }} end as ai_provider,
                case when has_tokens and token_class is not null then model end as ai_model,
                case when has_tokens then token_class end as ai_token_class,
                case when has_tokens and token_class is not null then service_tier end as ai_service_tier,
                case when has_tokens and token_class is not null then account_id end as ai_account
            from divided
        )

        {{ charge_select("described", llm_charge_columns()) }}
{% endmacro %}

{% macro workspace_tag_claims(source, tags) %}
    {#- The claims of a workspace's own tags, as [[name, expression], …]: `anthropic_workspace_tag:team`. -#}
    {%- set claims = [] -%}
    {%- if source == "anthropic" -%}
        {%- for key in claim_tag_keys() -%}
            {%- do claims.append(["anthropic_workspace_tag:" ~ key, json_text(tags, key)]) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(claims) }}
{% endmacro %}

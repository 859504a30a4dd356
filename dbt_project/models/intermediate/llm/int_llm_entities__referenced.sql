{{ config(materialized="table") }}

-- The entries of a provider's lists that a billing month's reports reference. The lists have no dates: a
-- changed tag, name or holder changes each month that references it, and no other.
with
    costs as (select * from {{ ref("stg_llm_providers__openai_costs") }}),

    workspace_costs as (select * from {{ ref("stg_llm_providers__anthropic_cost_report") }}),

    workspace_usage as (select * from {{ ref("stg_llm_providers__anthropic_usage_messages") }}),

    entities as (select * from {{ ref("int_llm_entities__named") }}),

    referenced as (
        {% for relation, provider, kind, entity_id in [
            ("costs", "openai", "project", "project_id"),
            ("costs", "openai", "api_key", "api_key_id"),
            ("workspace_costs", "anthropic", "workspace", "workspace_id"),
            ("workspace_usage", "anthropic", "api_key", "api_key_id"),
        ] %}
            select
                '{{ provider }}' as provider,
                billing_month,
                '{{ kind }}' as kind,
                {{ entity_id }} as entity_id
            from {{ relation }}
            {% if not loop.last %}
                union
            {% endif %}
        {% endfor %}
    ),

    described as (
        select
            referenced.provider,
            referenced.billing_month,
            entities.slice_id,
            entities.entity_id,
            {{ md5_key(["entities.entity_id", "entities.name", "entities.service_account_id", "entities.user_id", "entities.tags"]) }}
            as description
        from referenced
        inner join
            entities
            on referenced.provider = entities.provider
            and referenced.kind = entities.kind
            and referenced.entity_id = entities.entity_id
    )

select
    provider as source,
    billing_month,
    slice_id,
    {{ md5_key([joined_text("description", "entity_id")]) }} as content_digest
from described
group by provider, billing_month, slice_id

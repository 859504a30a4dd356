{%- set keys = ["owner_id", "workflow_id", "provider", "model_id", "usage_day"] -%}
{%- set classes = {
    "input": ["input"],
    "cached_input": ["cached_input"],
    "cache_write": ["cache_write_5m", "cache_write_1h"],
    "output": ["output"],
} -%}

-- Billed cost is the provider's money, split over the requests of the group, or its estimate while there is
-- no bill. List cost is their price by the price book. Both divide the same counts.
with
    -- Only paid requests count tokens; only a paid stream has a time to its first token.
    requests as (
        select
            requests.*,
            {{ is_replaced_answer() }} as is_replaced,
            coalesce(cache_write_5m_tokens, 0) + coalesce(cache_write_1h_tokens, 0) as cache_write_tokens,
            case when is_billed then latency_ms end as answered_latency_ms,
            case
                when is_billed and is_stream then {{ milliseconds_between("started_at", "first_token_at") }}
            end as ttft_ms
        from {{ ref("fact_llm_request") }} as requests
    ),

    -- The owner before pools are allocated, as the requests' own claims determine it.
    charges as (
        select
            coalesce(pool_owner_id, owner_id) as owner_id,
            coalesce(workflow_id, '') as workflow_id,
            ai_provider as provider,
            ai_model as model_id,
            cast(charge_period_start as date) as usage_day,
            ai_token_class,
            billing_currency,
            billed_cost,
            case when is_estimated then 1 else 0 end as is_estimated
        from {{ ref("fact_cost") }}
        where telemetry_status = 'metered'
    ),

    billed as (
        select
            {{ keys | join(", ") }},
            min(billing_currency) as billing_currency,
            cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
            {% for name, members in classes.items() %}
                cast(
                    sum(
                        case when ai_token_class in ('{{ members | join("', '") }}') then billed_cost end
                    ) as decimal(38, 12)
                ) as {{ name }}_billed_cost,
            {% endfor %}
            count(distinct billing_currency) as currencies,
            max(is_estimated) as is_estimated
        from charges
        group by {{ keys | join(", ") }}
    ),

    counted as (
        select
            owner_id,
            coalesce(workflow_id, '') as workflow_id,
            provider,
            model_id,
            usage_day,
            min(billing_month) as billing_month,
            count(*) as request_count,
            sum(case when status = 'success' then 1 else 0 end) as successful_request_count,
            sum(case when is_billed then 1 else 0 end) as billed_request_count,
            sum(case when status <> 'success' then 1 else 0 end) as failed_request_count,
            sum(case when gateway_cache_hit then 1 else 0 end) as gateway_cache_hit_count,
            sum(case when pricing_status = 'unpriced' then 1 else 0 end) as unpriced_request_count,
            sum(attempted_retries) as retry_count,
            sum(case when is_replaced then 1 else 0 end) as replaced_answer_count,
            {% for tokens in [
                "input_tokens",
                "input_uncached_tokens",
                "cache_read_tokens",
                "cache_write_tokens",
                "output_tokens",
                "reasoning_tokens",
            ] %}
                sum(case when is_billed then {{ tokens }} end) as {{ tokens }},
            {% endfor %}
            cast(sum(computed_list_cost) as decimal(38, 12)) as list_cost,
            cast(
                sum(case when is_replaced then computed_list_cost end) as decimal(38, 12)
            ) as replaced_list_cost,
            cast(sum(cache_savings) as decimal(38, 12)) as cache_savings,
            cast(sum(saved_cost) as decimal(38, 12)) as gateway_cache_savings,
            cast(
                sum(case when status <> 'success' then latency_ms end) as decimal(38, 12)
            ) as failed_latency_ms,
            sum(case when pricing_status = 'priced' then 1 else 0 end) as priced_request_count,
            {% for part, name in [("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99")] %}
                {{ percentile("answered_latency_ms", part) }} as latency_ms_{{ name }},
                {{ percentile("ttft_ms", part) }} as ttft_ms_{{ name }}
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from requests
        group by owner_id, coalesce(workflow_id, ''), provider, model_id, usage_day
    ),

    joined as (
        select
            counted.*,
            billed.billing_currency,
            case when billed.currencies = 1 then billed.billed_cost end as billed_cost,
            case when billed.currencies = 1 then billed.is_estimated = 1 end as is_estimated,
            {% for name in classes %}
                case
                    when billed.currencies = 1 then billed.{{ name }}_billed_cost
                end as {{ name }}_billed_cost
                {% if not loop.last %}, {% endif %}
            {% endfor %}
        from counted
        left join
            billed
            on counted.owner_id = billed.owner_id
            and counted.workflow_id = billed.workflow_id
            and counted.provider = billed.provider
            and counted.model_id = billed.model_id
            and counted.usage_day = billed.usage_day
    )

select
    {{
        md5_key([
            "owner_id", "workflow_id", "coalesce(provider, '')", "coalesce(model_id, '')",
            "cast(usage_day as string)",
        ])
    }} as llm_unit_economics_key,
    billing_month,
    usage_day,
    owner_id,
    nullif(workflow_id, '') as workflow_id,
    provider,
    model_id,
    {% for column in [
        "request_count", "successful_request_count", "billed_request_count", "failed_request_count",
        "gateway_cache_hit_count", "unpriced_request_count", "retry_count", "replaced_answer_count", "input_tokens",
        "input_uncached_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens",
    ] %}
        cast({{ column }} as bigint) as {{ column }},
    {% endfor %}
    billing_currency,
    billed_cost,
    is_estimated,
    list_cost,
    {{ cost_for("billed_cost", "request_count") }} as billed_cost_per_request,
    {{ cost_for("billed_cost", "successful_request_count") }} as billed_cost_per_successful_request,
    {{ cost_for("list_cost", "priced_request_count") }} as list_cost_per_priced_request,
    {{ cost_for("input_billed_cost", "input_uncached_tokens", 1000) }} as billed_cost_per_1k_input_tokens,
    {{ cost_for("cached_input_billed_cost", "cache_read_tokens", 1000) }}
    as billed_cost_per_1k_cached_input_tokens,
    {{ cost_for("cache_write_billed_cost", "cache_write_tokens", 1000) }}
    as billed_cost_per_1k_cache_write_tokens,
    {{ cost_for("output_billed_cost", "output_tokens", 1000) }} as billed_cost_per_1k_output_tokens,
    {{ ratio_of("cache_read_tokens", "input_tokens") }} as cache_hit_ratio,
    cache_savings,
    gateway_cache_savings,
    replaced_list_cost,
    failed_latency_ms,
    {{ ratio_of("failed_request_count", "request_count") }} as failure_ratio,
    {{ ratio_of("output_tokens", "input_tokens") }} as output_input_ratio,
    {% for measure in ["latency_ms", "ttft_ms"] %}
        {% for name in ["p50", "p95", "p99"] %}
            {{ measure }}_{{ name }} {%- if not loop.last %}, {% endif %}
        {% endfor %}
        {%- if not loop.last %}, {% endif %}
    {% endfor %}
from joined

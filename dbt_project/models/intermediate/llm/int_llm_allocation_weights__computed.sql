{{ built_by_period("ledger_fingerprint") }}

{%- set bucket = [
    "source", "billing_month", "ai_provider", "ai_model", "ai_token_class", "ai_service_tier", "ai_account",
    "usage_day",
] -%}
{%- set attributes = attribution_columns() -%}

-- The weights by which the charges of a bucket are split: one row a group of requests, by its tokens, and one
-- for the tokens that the provider counted and no request explains. Weights accumulate over a bucket's rows.
with
    periods as (select * from {{ periods_to_build("ledger_fingerprint") }}),

    charged as (
        select bucketed.*, periods.ledger_fingerprint
        from {{ ref("int_llm_charges__bucketed") }} as bucketed
        inner join
            periods on bucketed.source = periods.source and bucketed.billing_month = periods.billing_month
    ),

    tokens as (select * from {{ ref("int_llm_tokens__bucketed") }}),

    used as (select * from {{ ref("int_llm_usage__reported") }}),

    request_groups as (
        select
            {% for column in bucket %} charged.{{ column }}, {% endfor %}
            charged.ledger_fingerprint,
            tokens.group_key,
            {% for column in ["claims"] + attributes %} max(tokens.{{ column }}) as {{ column }}, {% endfor %}
            sum(tokens.tokens) as weight
        from charged
        inner join
            tokens
            on {{ in_bucket("charged", "tokens") }}
            and (charged.ai_account = tokens.ai_account or tokens.ai_account is null)
        group by
            {% for column in bucket %} charged.{{ column }}, {% endfor %}
            charged.ledger_fingerprint,
            tokens.group_key
    ),

    explained as (
        select {{ bucket | join(", ") }}, ledger_fingerprint, sum(weight) as tokens
        from request_groups
        group by {{ bucket | join(", ") }}, ledger_fingerprint
    ),

    -- A bucket without tokens of the provider has no unmetered part.
    counted as (
        select
            {% for column in bucket %} explained.{{ column }}, {% endfor %}
            explained.ledger_fingerprint,
            explained.tokens as gateway_tokens,
            sum(used.tokens) as provider_tokens
        from explained
        inner join used on {{ in_bucket("explained", "used") }} and explained.ai_account = used.ai_account
        group by
            {% for column in bucket %} explained.{{ column }}, {% endfor %}
            explained.ledger_fingerprint,
            explained.tokens
    ),

    parts as (
        select
            {{ bucket | join(", ") }},
            ledger_fingerprint,
            group_key,
            claims as request_claims,
            {% for column in attributes %} {{ column }} as request_{{ column }}, {% endfor %}
            'metered' as part_status,
            {{ whole_number("weight") }} as weight
        from request_groups

        union all

        select
            {{ bucket | join(", ") }},
            ledger_fingerprint,
            'unmetered' as group_key,
            cast(null as string) as request_claims,
            {% for column in attributes %} cast(null as string) as request_{{ column }}, {% endfor %}
            'unmetered' as part_status,
            {{ whole_number("provider_tokens - gateway_tokens") }} as weight
        from counted
        where provider_tokens > gateway_tokens
    ),

    cumulated as (
        select
            parts.*,
            sum(weight) over (partition by {{ bucket | join(", ") }}) as total_weight,
            {{ running_weight("weight", bucket | join(", "), "part_status, group_key") }} as cumulative_weight
        from parts
    )

select
    {{ bucket | join(", ") }},
    ledger_fingerprint,
    group_key,
    request_claims,
    {% for column in attributes %} request_{{ column }}, {% endfor %}
    part_status,
    {{ whole_number("weight") }} as weight,
    {{ whole_number("cumulative_weight - weight") }} as cumulative_weight_before,
    {{ whole_number("cumulative_weight") }} as cumulative_weight,
    {{ whole_number("total_weight") }} as total_weight
from cumulated

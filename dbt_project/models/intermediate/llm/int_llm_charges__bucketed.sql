{{ built_by_period("charges_fingerprint") }}

-- Billed AI charges summed by bucket: provider, model, token class, tier, account and UTC day. Estimates are
-- made from requests and need no split.
with
    charges as (
        select *
        from {{ charges_to_build(ref("int_charges__unified"), "charges_fingerprint") }} as current_charges
        where may_be_ai and ai_provider is not null and not ({{ is_estimate("current_charges") }})
    )

select
    source,
    billing_month,
    charges_fingerprint,
    ai_provider,
    ai_model,
    ai_token_class,
    ai_service_tier,
    ai_account,
    cast(charge_period_start as date) as usage_day,
    {% for measure in cost_columns() %}
        cast(sum({{ measure }}) as decimal(38, 12)) as {{ measure }},
    {% endfor %}
    cast(sum(case when consumed_unit = 'Tokens' then consumed_quantity end) as decimal(38, 12)) as tokens
from charges
group by
    source,
    billing_month,
    charges_fingerprint,
    ai_provider,
    ai_model,
    ai_token_class,
    ai_service_tier,
    ai_account,
    cast(charge_period_start as date)

-- Two identities of a payer, month and currency: amortised cost is the invoice, apart from upfront fees
-- and what amortisation moves between months; net cost is gross cost less discounts.
with
    lines as (select * from {{ ref("int_aws_lines__summed") }}),

    totals as (
        select
            source,
            billing_month,
            bill_payer_account_id,
            coalesce(line_item_currency_code, 'USD') as billing_currency,
            is_net,
            {% for measure in ["billed_cost", "effective_cost", "gross_effective_cost", "true_up", "upfront_fees"] %}
                cast(sum({{ measure }}) as decimal(38, 12)) as {{ measure }},
            {% endfor %}
            charges_fingerprint
        from lines
        group by
            source,
            billing_month,
            bill_payer_account_id,
            coalesce(line_item_currency_code, 'USD'),
            is_net,
            charges_fingerprint
    )

select
    source,
    billing_month,
    bill_payer_account_id,
    billing_currency,
    is_net,
    billed_cost,
    effective_cost,
    gross_effective_cost,
    true_up,
    upfront_fees,
    cast(
        billed_cost - gross_effective_cost - true_up - upfront_fees as decimal(38, 12)
    ) as amortised_difference,
    cast(effective_cost - gross_effective_cost as decimal(38, 12)) as net_difference,
    charges_fingerprint
from totals

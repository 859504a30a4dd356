{{ config(materialized="table") }}

{%- set cell = ["billing_currency", "sub_account_id", "service_name", "charge_category", "owner_id"] -%}
{%- set columns = [
    "cost_revision_key", "source", "billing_month", "revision_number", "known_at", "billing_currency",
    "sub_account_id", "service_name", "charge_category", "owner_id", "billed_cost", "effective_cost",
    "charge_count", "billed_change", "effective_change", "charge_count_change", "delivered_slices",
    "others_fingerprint", "rules_fingerprint", "logic_version", "charges_fingerprint", "ledger_fingerprint",
] -%}
{%- set inputs = ["others_fingerprint", "rules_fingerprint", "logic_version"] -%}

-- Append-only: when a period's fingerprint differs from that of its newest revision, the model appends a
-- revision with the differences. A period whose deliveries are all held gets a revision to 0, whose
-- ledger_fingerprint is NULL. A publication writes its new revisions into the lake, where the next build
-- reads them.
with
    periods as (select * from {{ ref("int_billing_periods__versioned") }}),

    costs as (select * from {{ ref("fact_cost") }}),

    recorded as (select * from {{ ref("stg_history__cost_revisions") }}),

    ranked as (
        select
            source,
            billing_month,
            revision_number,
            known_at,
            {% for column in inputs %} {{ column }}, {% endfor %}
            ledger_fingerprint,
            row_number() over (
                partition by source, billing_month order by revision_number desc
            ) as recency_rank
        from recorded
    ),

    newest as (select * from ranked where recency_rank = 1),

    due as (
        select
            periods.source,
            periods.billing_month,
            periods.known_at,
            periods.delivered_slices,
            {% for column in inputs %} periods.{{ column }}, {% endfor %}
            periods.charges_fingerprint,
            periods.ledger_fingerprint,
            coalesce(newest.revision_number, 0) + 1 as revision_number
        from periods
        left join newest on periods.source = newest.source and periods.billing_month = newest.billing_month
        where newest.ledger_fingerprint is null or periods.ledger_fingerprint <> newest.ledger_fingerprint

        union all

        select
            newest.source,
            newest.billing_month,
            newest.known_at,
            '{}',
            {% for column in inputs %} newest.{{ column }}, {% endfor %}
            cast(null as string),
            cast(null as string),
            newest.revision_number + 1
        from newest
        left join periods on newest.source = periods.source and newest.billing_month = periods.billing_month
        where periods.source is null and newest.ledger_fingerprint is not null
    ),

    -- The ledger's amounts now, and the sum of all earlier changes.
    sides as (
        select
            costs.source,
            costs.billing_month,
            {% for column in cell %} costs.{{ column }}, {% endfor %}
            costs.billed_cost as billed_cost,
            costs.effective_cost as effective_cost,
            1 as charge_count,
            cast(0 as decimal(38, 12)) as billed_before,
            cast(0 as decimal(38, 12)) as effective_before,
            0 as charge_count_before
        from costs
        inner join due on costs.source = due.source and costs.billing_month = due.billing_month

        union all

        select
            recorded.source,
            recorded.billing_month,
            {% for column in cell %} recorded.{{ column }}, {% endfor %}
            0,
            0,
            0,
            recorded.billed_change,
            recorded.effective_change,
            recorded.charge_count_change
        from recorded
        inner join due on recorded.source = due.source and recorded.billing_month = due.billing_month
        where recorded.billing_currency is not null
    ),

    cells as (
        select
            source,
            billing_month,
            {% for column in cell %} {{ column }}, {% endfor %}
            cast(sum(billed_cost) as decimal(38, 12)) as billed_cost,
            cast(sum(effective_cost) as decimal(38, 12)) as effective_cost,
            cast(sum(charge_count) as bigint) as charge_count,
            cast(sum(billed_before) as decimal(38, 12)) as billed_before,
            cast(sum(effective_before) as decimal(38, 12)) as effective_before,
            cast(sum(charge_count_before) as bigint) as charge_count_before
        from sides
        group by source, billing_month{% for column in cell %}, {{ column }}{% endfor %}
    ),

    moved as (
        select *
        from cells
        where
            billed_cost <> billed_before
            or effective_cost <> effective_before
            or charge_count <> charge_count_before
    ),

    -- A revision that changes no amount is one row without a currency, account, service, category and owner.
    revised as (
        select
            {{
                md5_key(
                    ["due.source", "due.billing_month", "due.revision_number", "moved.billing_currency", "moved.sub_account_id",
                     "moved.service_name", "moved.charge_category", "moved.owner_id"]
                )
            }}
            as cost_revision_key,
            due.source,
            due.billing_month,
            cast(due.revision_number as integer) as revision_number,
            due.known_at,
            {% for column in cell %} moved.{{ column }}, {% endfor %}
            coalesce(moved.billed_cost, cast(0 as decimal(38, 12))) as billed_cost,
            coalesce(moved.effective_cost, cast(0 as decimal(38, 12))) as effective_cost,
            coalesce(moved.charge_count, cast(0 as bigint)) as charge_count,
            cast(coalesce(moved.billed_cost - moved.billed_before, 0) as decimal(38, 12)) as billed_change,
            cast(
                coalesce(moved.effective_cost - moved.effective_before, 0) as decimal(38, 12)
            ) as effective_change,
            cast(
                coalesce(moved.charge_count - moved.charge_count_before, 0) as bigint
            ) as charge_count_change,
            due.delivered_slices,
            due.others_fingerprint,
            due.rules_fingerprint,
            due.logic_version,
            due.charges_fingerprint,
            due.ledger_fingerprint
        from due
        left join moved on due.source = moved.source and due.billing_month = moved.billing_month
    )

select {{ columns | join(", ") }}
from recorded
union all
select {{ columns | join(", ") }}
from revised

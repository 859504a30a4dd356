{{ config(materialized="table", meta={"refresh": "always"}) }}

-- The series that are forecast: cost by UTC day of all owners, of each team, of each team and source, and of
-- each budget (its owner and all below), by currency. A series ends with the newest day that is complete in
-- each of its sources; a source that is a week behind the others does not hold it back.
with
    costs as (
        select
            daily.source,
            daily.billing_currency,
            daily.cost_day,
            daily.workflow_id,
            daily.cost_pattern,
            daily.is_estimated,
            daily.effective_cost,
            owners.team_owner_id,
            ' / ' || owners.owner_path || ' / ' as searched_path
        from {{ ref("cost_daily") }} as daily
        inner join {{ ref("dim_owner") }} as owners on daily.owner_key = owners.owner_key
    ),

    budgets as (select * from {{ ref("stg_registry__budgets") }} where monthly_amount is not null),

    -- The newest charge of a source falls into a day that may go on.
    sources as (
        select source, cast(newest_charge_at as date) - interval '1' day as complete_through
        from {{ ref("source_freshness") }}
        where newest_charge_at is not null
    ),

    named as (
        select
            'all' as series_kind,
            'all' as series_id,
            cast(null as string) as owner_id,
            cast(null as string) as budget_id,
            cast(null as string) as series_source,
            costs.*
        from costs

        union all

        select 'owner', team_owner_id, team_owner_id, null, null, costs.*
        from costs

        union all

        select 'owner and source', team_owner_id || ' / ' || source, team_owner_id, null, source, costs.*
        from costs

        union all

        select 'budget', budgets.budget_id, budgets.owner_id, budgets.budget_id, null, costs.*
        from costs
        inner join
            budgets
            on costs.billing_currency = budgets.currency
            and instr(costs.searched_path, ' / ' || budgets.owner_id || ' / ') > 0
            and (budgets.workflow_id is null or budgets.workflow_id = costs.workflow_id)
            and costs.cost_day >= budgets.valid_from
            and costs.cost_day < budgets.valid_to
    ),

    ends as (
        select
            named.series_kind,
            named.series_id,
            named.billing_currency,
            min(named.cost_day) as first_day,
            max(sources.complete_through) as newest_through
        from named
        inner join sources on named.source = sources.source
        group by named.series_kind, named.series_id, named.billing_currency
    ),

    bounded as (
        select
            ends.series_kind,
            ends.series_id,
            ends.billing_currency,
            min(ends.first_day) as first_day,
            cast(min(sources.complete_through) as date) as as_of_day
        from ends
        inner join named on {{ same_series("ends", "named") }}
        inner join sources on named.source = sources.source
        where
            sources.complete_through > ends.newest_through - interval '7' day
            and named.cost_day > cast(ends.newest_through as date) - interval '35' day
        group by ends.series_kind, ends.series_id, ends.billing_currency
    )

select
    named.series_kind,
    named.series_id,
    max(named.owner_id) as owner_id,
    max(named.budget_id) as budget_id,
    max(named.series_source) as source,
    named.billing_currency,
    named.cost_day,
    bounded.first_day,
    bounded.as_of_day,
    {% for pattern in ["usage", "calendar", "one-off"] %}
        cast(
            sum(
                case when named.cost_pattern = '{{ pattern }}' then named.effective_cost else 0 end
            ) as decimal(38, 12)
        ) as {{ pattern | replace("-", "_") }}_cost,
    {% endfor %}
    cast(
        sum(case when named.is_estimated then named.effective_cost else 0 end) as decimal(38, 12)
    ) as estimated_cost
from named
inner join bounded on {{ same_series("named", "bounded") }}
where named.cost_day <= bounded.as_of_day
group by
    named.series_kind,
    named.series_id,
    named.billing_currency,
    named.cost_day,
    bounded.first_day,
    bounded.as_of_day

{{ config(meta={"refresh": "always"}) }}

{%- set distance -%} judged_cost - expected_cost {%- endset -%}

-- Days on which a watched series was far from its expected cost: by more than 6.6
-- usual errors (4.45 standard deviations of a normal distribution), by a share of what was expected, and by
-- the floor of money. A rise counts on its day. A
-- drop to less than half counts from the second day on: a holiday is no broken service.
with
    days as (select * from {{ ref("int_anomaly_series__expected") }}),

    compared as (
        select
            days.*,
            {{ distance }} >= {{ var("anomaly_floor") }}
            and {{ distance }} > expected_cost * cast('{{ var("anomaly_share") }}' as decimal(4, 2))
            and {{ distance }} > usual_error * cast('6.6' as decimal(2, 1)) as is_rise,
            - ({{ distance }}) >= {{ var("anomaly_floor") }}
            and judged_cost < expected_cost * cast('0.5' as decimal(2, 1))
            and - ({{ distance }}) > usual_error * cast('6.6' as decimal(2, 1)) as is_low
        from days
    ),

    continued as (
        select
            compared.*,
            is_low
            and (
                coalesce(lag(is_low) over (partition by series_key order by cost_day), false)
                or coalesce(lead(is_low) over (partition by series_key order by cost_day), false)
            ) as is_drop
        from compared
    )

select
    series_key,
    level,
    source,
    billing_currency,
    owner_id,
    service_name,
    resource_id,
    workflow_id,
    model_id,
    cost_day,
    as_of_day,
    case when is_rise then 'rise' else 'drop' end as direction,
    judged_cost as cost,
    expected_cost,
    usual_error,
    cast({{ distance }} as decimal(38, 12)) as impact_cost
from continued
where is_rise or is_drop

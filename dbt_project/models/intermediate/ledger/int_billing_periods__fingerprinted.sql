{{ config(materialized="table") }}

-- What each billing period is built from, as a fingerprint. A model that is built by period compares its
-- own with it.
-- An input counts at its stage and at those that follow: charges, then requests (with prices and owners),
-- then the ledger.
with
    slices as (select * from {{ ref("int_slices__current") }}),

    inputs as (
        select source, billing_month, 'charges' as stage, slice_id as input, load_id as version
        from {{ ref("int_billing_periods__delivered") }}
        {% for model in period_input_models() %}
            union all
            select source, billing_month, stage, input, version
            from {{ ref(model) }}
        {% endfor %}
    ),

    -- Every period depends on the registry and on the models themselves.
    registry as (
        select
            {{ md5_key(["'" ~ var("logic_version") ~ "'", joined_text("slice_id || load_id", "slice_id")]) }}
            as registry_fingerprint
        from slices
        where dataset = 'raw_registry'
    ),

    stages as (
        select
            source,
            billing_month,
            stage,
            {{ md5_key(["'" ~ var("logic_version") ~ "'", joined_text("input || version", "input")]) }}
            as fingerprint
        from inputs
        group by source, billing_month, stage
    ),

    -- A period without a delivery is none, whatever else there is for its month.
    periods as (
        select
            source,
            billing_month,
            max(case when stage = 'charges' then fingerprint end) as charges_fingerprint,
            max(case when stage = 'requests' then fingerprint end) as requests_inputs,
            {{ md5_key([joined_text("stage || fingerprint", "stage")]) }} as all_inputs
        from stages
        group by source, billing_month
        having max(case when stage = 'charges' then 1 end) = 1
    ),

    -- Pools are split in proportion to the month's direct costs of all sources, and AI charges by the month's
    -- requests: the ledger of a month depends on all that is delivered for it.
    months as (
        select billing_month, {{ joined_text("source || all_inputs", "source") }} as month_inputs
        from periods
        group by billing_month
    )

select
    periods.source,
    periods.billing_month,
    periods.charges_fingerprint,
    {{ md5_key(["months.month_inputs", "registry.registry_fingerprint"]) }} as ledger_fingerprint,
    case
        when periods.source = '{{ estimating_source() }}'
        then
            {{ md5_key(["periods.charges_fingerprint", "periods.requests_inputs", "registry.registry_fingerprint"]) }}
    end as requests_fingerprint
from periods
inner join months on periods.billing_month = months.billing_month
cross join registry

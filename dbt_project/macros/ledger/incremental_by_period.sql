{#-
    Incremental by billing period. A model that is built by period has `source`, `billing_month` and a fingerprint
    of what the period was built from (int_billing_periods__fingerprinted). Rows whose fingerprint is no longer
    current are dropped, and missing periods are built. A run that is killed leaves missing periods, which the next
    run builds. A period that becomes empty is emptied; an unchanged period costs nothing. `stored_as`: the
    fingerprint's column in the model, where it has another name.
-#}
{% macro built_by_period(fingerprint) %}
    {#- The configuration of such a model, for its head. Further arguments are added to it. -#}
    {{
        config(
            materialized="incremental",
            incremental_strategy=by_period_strategy(),
            partition_by=by_period_partitions(),
            on_schema_change="fail",
            pre_hook="{{ drop_stale_periods('" ~ fingerprint ~ "') }}",
            **kwargs
        )
    }}
{% endmacro %}

{% macro drop_stale_periods(fingerprint, stored_as=none) %}
    {% if is_incremental() %}
        {%- set stale -%}
            not exists (
                select 1
                from {{ ref("int_billing_periods__fingerprinted") }} as current_period
                where
                    current_period.source = built.source
                    and current_period.billing_month = built.billing_month
                    and current_period.{{ fingerprint }} = built.{{ stored_as or fingerprint }}
            )
        {%- endset -%}
        {{ drop_periods(this, "built", stale) }}
    {% else %} select 1
    {% endif %}
{% endmacro %}

{% macro periods_to_build(fingerprint, stored_as=none) %}
    {#-
        The periods with such a fingerprint that the model does not have yet: `source`, `billing_month` and the
        fingerprint.
    -#}
    (
        select period.source, period.billing_month, period.{{ fingerprint }}
        from {{ ref("int_billing_periods__fingerprinted") }} as period
        where
            period.{{ fingerprint }} is not null
            {% if is_incremental() %}
                and not exists (
                    select 1
                    from {{ this }} as built
                    where
                        built.source = period.source
                        and built.billing_month = period.billing_month
                        and built.{{ stored_as or fingerprint }} = period.{{ fingerprint }}
                )
            {% endif %}
    )
{% endmacro %}

{% macro charges_to_build(charges, fingerprint, stored_as=none) %}
    {#- The rows of a relation of charges (or requests) that are of the periods to build, with the period's fingerprint. -#}
    (
        select charge.*, period.{{ fingerprint }}{{ " as " ~ stored_as if stored_as }}
        from {{ charges }} as charge
        inner join
            {{ periods_to_build(fingerprint, stored_as) }} as period
            on charge.source = period.source
            and charge.billing_month = period.billing_month
        where {{ is_of_loads_to_build("charge.load_id", fingerprint, stored_as) }}
    )
{% endmacro %}

{% macro requests_to_compare(fingerprint) %}
    {#-
        The requests of the periods to build, and those of other months that may be records of the same calls
        (int_billing_periods__delivered). Each row once.
    -#}
    {%- set slices = ref("int_billing_periods__delivered") -%}
    (
        select *
        from {{ ref("stg_llm_gateway__llm_requests") }}
        where
            slice_id in (
                select slice.slice_id
                from {{ slices }} as slice
                inner join
                    {{ periods_to_build(fingerprint) }} as period
                    on slice.source = period.source
                    and slice.billing_month = period.billing_month
                where slice.source = '{{ estimating_source() }}'
            )
            and {{ is_of_loads_to_build("load_id", fingerprint, slices=slices) }}
    )
{% endmacro %}

{% macro is_of_loads_to_build(load_id, fingerprint, stored_as=none, slices=none) %}
    {#-
        Whether a load has rows of the periods to build. The loads are literals, so that the filter reaches the
        list of the lake's files: a period costs what it contains, not the history. `slices`: the slices of each
        period, where these are more than its own. Unit tests have no lake and override this.
    -#}
    {%- set loads -%}
        select distinct slice.load_id
        from {{ slices or ref("int_slices__current") }} as slice
        inner join
            {{ periods_to_build(fingerprint, stored_as) }} as period
            on slice.source = period.source
            and slice.billing_month = period.billing_month
        order by slice.load_id
    {%- endset -%}
    {%- if not execute -%} {{- return("true") -}} {%- endif -%}
    {#-
        The contract belongs to no load and stays in the list of files. DuckDB reads the last remaining file of
        a list with as many threads as the first file has row groups, and the contract has none.
    -#}
    {%- set load_ids = [""] -%}
    {%- do load_ids.extend(run_query(loads).columns[0].values()) -%}
    {{- return(load_id ~ " in ('" ~ (load_ids | join("', '")) ~ "')") -}}
{% endmacro %}

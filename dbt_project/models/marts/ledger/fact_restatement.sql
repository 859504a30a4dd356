-- Why an amount changed between two revisions: the later one's changes, and which of its inputs differ.
with
    revisions as (select * from {{ ref("fact_cost_revision") }}),

    evidence as (
        select distinct
            source,
            billing_month,
            revision_number,
            delivered_slices,
            others_fingerprint,
            rules_fingerprint,
            logic_version
        from revisions
    ),

    steps as (
        select
            later.source,
            later.billing_month,
            later.revision_number,
            later.delivered_slices as slices_after,
            earlier.delivered_slices as slices_before,
            later.others_fingerprint <> earlier.others_fingerprint as others_differ,
            coalesce(later.rules_fingerprint, '') <> coalesce(earlier.rules_fingerprint, '') as rules_differ,
            later.logic_version <> earlier.logic_version as logic_differs
        from evidence as later
        inner join
            evidence as earlier
            on later.source = earlier.source
            and later.billing_month = earlier.billing_month
            and later.revision_number = earlier.revision_number + 1
    ),

    objects as (select distinct delivered_slices from evidence),

    slices as (
        select distinct delivered_slices, pair_name as slice_id, pair_value as version
        from {{ json_pairs("objects", "delivered_slices") }}
    ),

    versions as (
        select
            steps.source,
            steps.billing_month,
            steps.revision_number,
            slices.slice_id,
            slices.version,
            'after' as side
        from steps
        inner join slices on steps.slices_after = slices.delivered_slices
        union all
        select
            steps.source,
            steps.billing_month,
            steps.revision_number,
            slices.slice_id,
            slices.version,
            'before'
        from steps
        inner join slices on steps.slices_before = slices.delivered_slices
    ),

    compared as (
        select
            source,
            billing_month,
            revision_number,
            slice_id,
            coalesce(max(case when side = 'before' then version end), 'new') as version_before,
            coalesce(max(case when side = 'after' then version end), 'gone') as version_after
        from versions
        group by source, billing_month, revision_number, slice_id
    ),

    -- The vendor's version changes with each re-issue; only the digest shows whether the content differs.
    delivered as (
        select
            source,
            billing_month,
            revision_number,
            {{ joined_text("slice_id || ': ' || version_before || ' -> ' || version_after", "slice_id") }}
            as changed_slices
        from compared
        where
            coalesce({{ text_after_last("version_before", "#") }}, version_before)
            <> coalesce({{ text_after_last("version_after", "#") }}, version_after)
        group by source, billing_month, revision_number
    ),

    changes as (
        select
            revisions.*,
            delivered.changed_slices,
            delivered.changed_slices is not null as delivery_differs,
            steps.others_differ,
            steps.rules_differ,
            steps.logic_differs,
            sum(revisions.billed_change) over (cell) = 0
            and sum(revisions.effective_change) over (cell) = 0 as is_between_owners
        from revisions
        inner join
            steps
            on revisions.source = steps.source
            and revisions.billing_month = steps.billing_month
            and revisions.revision_number = steps.revision_number
        left join
            delivered
            on revisions.source = delivered.source
            and revisions.billing_month = delivered.billing_month
            and revisions.revision_number = delivered.revision_number
        where revisions.billing_currency is not null
        window
            cell as (
                partition by
                    revisions.source,
                    revisions.billing_month,
                    revisions.revision_number,
                    revisions.billing_currency,
                    revisions.sub_account_id,
                    revisions.service_name,
                    revisions.charge_category
            )
    ),

    -- Rules and other deliveries move cost between owners. They cannot change the cost of an account's
    -- service.
    reasoned as (
        select
            changes.*,
            case
                when not is_between_owners and delivery_differs
                then 'delivery'
                when not is_between_owners and logic_differs
                then 'logic'
                when rules_differ
                then 'rules'
                when delivery_differs
                then 'delivery'
                when logic_differs
                then 'logic'
                else 'other deliveries'
            end as reason
        from changes
    )

select
    cost_revision_key as restatement_key,
    source,
    billing_month,
    revision_number,
    known_at,
    {{ month_text("known_at") }} > billing_month as was_closed,
    billing_currency,
    sub_account_id,
    service_name,
    charge_category,
    owner_id,
    cast(billed_cost - billed_change as decimal(38, 12)) as billed_cost_before,
    billed_cost as billed_cost_after,
    billed_change,
    cast(effective_cost - effective_change as decimal(38, 12)) as effective_cost_before,
    effective_cost as effective_cost_after,
    effective_change,
    charge_count_change,
    is_between_owners,
    reason,
    nullif(
        concat_ws(
            ', ',
            case when delivery_differs and reason <> 'delivery' then 'delivery' end,
            case when rules_differ and reason <> 'rules' then 'rules' end,
            case when logic_differs and reason <> 'logic' then 'logic' end,
            case when others_differ and reason <> 'other deliveries' then 'other deliveries' end
        ),
        ''
    ) as also_changed,
    changed_slices
from reasoned

{{ built_by_period("charges_fingerprint") }}

{%- set description = aws_line_description() -%}
{%- set lines = aws_lines_to_build(ref("stg_aws__cost_and_usage_report")) -%}

-- A delivery may have the same line twice: that is two charges. Of equal lines, the second and later ones
-- are here, each with its number. The amounts are expensive to read exactly, so they are compared only for
-- lines that are otherwise equal. The subquery of lines is written out twice because an engine would hold
-- a CTE that is read twice in memory as a whole.
with
    suspected as (
        select billing_month, {{ row_hash(description) }} as description_hash
        from {{ lines }} as current_lines
        group by billing_month, {{ row_hash(description) }}
        having count(*) > 1
    ),

    compared as (
        select
            lines.source,
            lines.billing_month,
            lines.charges_fingerprint,
            lines.lake_file,
            lines.lake_row,
            row_number() over (
                partition by lines.billing_month, {{ (description + aws_line_amounts()) | join(", ") }}
                order by lines.lake_file, lines.lake_row
            ) as occurrence
        from {{ lines }} as lines
        inner join
            suspected
            on lines.billing_month = suspected.billing_month
            and {{ row_hash(description) }} = suspected.description_hash
    )

select
    source, billing_month, charges_fingerprint, lake_file, lake_row, cast(occurrence as bigint) as occurrence
from compared
where occurrence > 1

union all

-- Marks the month as built, so that an empty one is not read again.
select source, billing_month, charges_fingerprint, null, null, null
from {{ periods_to_build("charges_fingerprint") }} as processed
where source = 'aws'

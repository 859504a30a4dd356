{{ built_by_period("charges_fingerprint") }}

{%- set description = aws_line_description() -%}
{%- set lines = aws_lines_to_build(ref("stg_aws__cost_and_usage_report")) -%}

-- Ids of line items may repeat, and a line may be there twice: that is two charges. Of lines that are
-- equal, those after the first, with the number that tells their charges apart. Only lines that may be
-- equal are compared: those that say the same but for their amounts, which are dear to read exactly.
-- (The lines are named twice, as an engine holds what is named once and read twice in memory, all of
-- it.)
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

-- A month in which there is nothing is remembered as looked at: it is not read again.
select source, billing_month, charges_fingerprint, null, null, null
from {{ periods_to_build("charges_fingerprint") }} as processed
where source = 'aws'
